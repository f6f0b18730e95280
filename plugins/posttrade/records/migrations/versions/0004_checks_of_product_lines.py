"""What the controls take as unusual for a product line."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql_file("0004_checks_of_product_lines.sql")
