"""Pay dates that are moved after a payment was proposed."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    run_sql_file("0019_payment_dates.sql")
