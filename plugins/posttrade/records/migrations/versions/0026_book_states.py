"""A business date closes with all its facts in its books."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    run_sql_file("0026_book_states.sql")
