"""The lot method chooses what a part exercise takes."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0023"
down_revision = "0034"


def upgrade() -> None:
    run_sql_file("0023_lots_of_exercises.sql")
