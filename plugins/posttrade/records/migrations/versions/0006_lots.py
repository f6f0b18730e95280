"""Lots by six methods."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql_file("0006_lots.sql")
