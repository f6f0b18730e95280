"""Fractions of corporate actions are those of an account."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0049"
down_revision = "0048"


def upgrade() -> None:
    run_sql_file("0049_fractions_of_accounts.sql")
