"""Announcements of corporate actions may be numbered by their source: the highest counts, in whatever order they come."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    run_sql_file("0027_announcements_numbered.sql")
