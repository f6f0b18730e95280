"""Trade events that wait for their original."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql_file("0002_waiting_trades.sql")
