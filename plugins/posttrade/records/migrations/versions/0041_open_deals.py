"""Deals that run until they are terminated."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0041"
down_revision = "0040"


def upgrade() -> None:
    run_sql_file("0041_open_deals.sql")
