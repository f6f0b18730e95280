"""The terms of bonds of every kind, index fixings and repayment plans."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    run_sql_file("0014_bond_terms.sql")
