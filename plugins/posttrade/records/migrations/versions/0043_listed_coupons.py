"""Coupon dates listed one by one."""

from posttrade.records.migrations.sql_files import run_sql_file

revision = "0043"
down_revision = "0042"


def upgrade() -> None:
    run_sql_file("0043_listed_coupons.sql")
