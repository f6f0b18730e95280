"""A cancelled trade stays cancelled."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0034"
down_revision = "0027"


def upgrade() -> None:
    run_sql_file("0034_cancelled_trades.sql")
