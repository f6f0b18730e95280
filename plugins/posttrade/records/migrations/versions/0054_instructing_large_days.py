"""Instructing a large day reads each version once, and of the instructions those that are taken back."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0054"
down_revision = "0053"


def upgrade() -> None:
    run_sql_file("0054_instructing_large_days.sql")
