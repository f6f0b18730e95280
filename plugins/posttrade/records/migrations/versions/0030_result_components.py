"""The chart of accounts says what each result account is bridged to."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0030"
down_revision = "0028"


def upgrade() -> None:
    run_sql_file("0030_result_components.sql")
