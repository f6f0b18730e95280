"""A block beyond the posting cut-off is decided on as a whole."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    run_sql_file("0022_blocks_released.sql")
