"""Outright forward rates and discount factors, by which currency forwards are valued."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0051"
down_revision = "0050"


def upgrade() -> None:
    run_sql_file("0051_forwards.sql")
