"""Overnight rates compounded in arrears."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0047"
down_revision = "0046"


def upgrade() -> None:
    run_sql_file("0047_overnight_rates.sql")
