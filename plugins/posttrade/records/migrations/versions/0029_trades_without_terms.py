"""Trades that cannot be booked before a term they follow from is known."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0029"
down_revision = "0030"


def upgrade() -> None:
    run_sql_file("0029_trades_without_terms.sql")
