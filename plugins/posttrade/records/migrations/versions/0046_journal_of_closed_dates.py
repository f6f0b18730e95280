"""A closed business date takes no more journal entries."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0046"
down_revision = "0036"


def upgrade() -> None:
    run_sql_file("0046_journal_of_closed_dates.sql")
