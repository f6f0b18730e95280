"""The first tables of facts."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql_file("0001_foundation.sql")
