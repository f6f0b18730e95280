"""The business days follow the home calendar as it is told, but for those that books were made by."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0056"
down_revision = "0055"


def upgrade() -> None:
    run_sql_file("0056_business_days.sql")
