"""Coupon dates listed one by one."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0050"
down_revision = "0049"


def upgrade() -> None:
    run_sql_file("0050_listed_coupons.sql")
