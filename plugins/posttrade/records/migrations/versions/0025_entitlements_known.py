"""A payment follows what its client is entitled to until it leaves."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0025"
down_revision = "0022"


def upgrade() -> None:
    run_sql_file("0025_entitlements_known.sql")
