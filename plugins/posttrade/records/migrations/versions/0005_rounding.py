"""Half-even rounding six times as fast."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql_file("0005_rounding.sql")
