"""Foreign exchange, deposits, repos and collateral."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    run_sql_file("0017_currencies_and_money_market.sql")
