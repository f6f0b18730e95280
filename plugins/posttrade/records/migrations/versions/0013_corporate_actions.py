"""Corporate actions that pay, redeem and turn one instrument into another."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    run_sql_file("0013_corporate_actions.sql")
