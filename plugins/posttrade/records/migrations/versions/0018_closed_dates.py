"""A closed business date takes no more facts."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    run_sql_file("0018_closed_dates.sql")
