"""Futures and options."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    run_sql_file("0016_derivatives.sql")
