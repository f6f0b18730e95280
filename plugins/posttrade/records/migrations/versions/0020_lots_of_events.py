"""Which lots events take, and exercises by number."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    run_sql_file("0020_lots_of_events.sql")
