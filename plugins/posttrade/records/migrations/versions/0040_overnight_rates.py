"""Overnight rates compounded in arrears."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0040"
down_revision = "0046"


def upgrade() -> None:
    run_sql_file("0040_overnight_rates.sql")
