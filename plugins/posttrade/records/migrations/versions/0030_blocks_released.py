"""A block beyond the posting cut-off is decided on as a whole."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0030"
down_revision = "0018"


def upgrade() -> None:
    run_sql_file("0030_blocks_released.sql")
