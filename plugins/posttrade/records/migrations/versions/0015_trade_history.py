"""A posting cut-off, and its release by a person."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    run_sql_file("0015_trade_history.sql")
