"""An installation keeps one firm, in one base currency once a date is closed."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0057"
down_revision = "0056"


def upgrade() -> None:
    run_sql_file("0057_one_firm.sql")
