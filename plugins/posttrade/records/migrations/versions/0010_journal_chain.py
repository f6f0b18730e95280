"""The journal is sealed, run by run, in a chain of hashes."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0010"
down_revision = "0007"


def upgrade() -> None:
    run_sql_file("0010_journal_chain.sql")
