"""Deals that run until they are terminated."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    run_sql_file("0048_open_deals.sql")
