"""Exercises told as a number."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    run_sql_file("0021_exercises_by_number.sql")
