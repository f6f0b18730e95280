"""Months are closed; nothing is booked in a closed one."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_sql_file("0011_accounting_periods.sql")
