"""Prices may be zero or below, where their product line says so."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0028"
down_revision = "0023"


def upgrade() -> None:
    run_sql_file("0028_prices_below_zero.sql")
