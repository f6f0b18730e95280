"""What is delivered is said by the procedure of the date."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    run_sql_file("0053_undelivered_by_date.sql")
