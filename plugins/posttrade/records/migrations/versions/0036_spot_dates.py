"""When currency pairs dealt for spot are paid."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0036"
down_revision = "0029"


def upgrade() -> None:
    run_sql_file("0036_spot_dates.sql")
