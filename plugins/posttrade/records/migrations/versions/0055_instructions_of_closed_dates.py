"""A closed business date takes no more instructions."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0055"
down_revision = "0054"


def upgrade() -> None:
    run_sql_file("0055_instructions_of_closed_dates.sql")
