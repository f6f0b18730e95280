"""The chart of accounts in the database."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    run_sql_file("0012_ledger_accounts.sql")
