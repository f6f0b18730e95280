"""Instructions that were cancelled before they left the house."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0052"
down_revision = "0051"


def upgrade() -> None:
    run_sql_file("0052_instructions_withdrawn.sql")
