"""What stands in each message of the outbox, and the obligations held back."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql_file("0003_outbox_items.sql")
