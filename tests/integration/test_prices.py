"""What stands at a fixed price, and prices at zero and below."""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value

pytestmark = pytest.mark.usefixtures("fresh_database")
MONDAY, TUESDAY, WEDNESDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)
DEAL = {
    "market_mic": "XXXX", "coupon_rate": "3.6", "coupon_frequency": 1, "day_count": "ACT/360", "issue_date": MONDAY,
    "first_coupon_date": "2026-01-08", "maturity_date": "2026-01-08",
}  # fmt: skip
VALUE = "select market_value_amount from marts.fct_positions where business_date = :day and book_id = :book"
RESULT = (
    "select new_trades_amount, fees_amount, total_amount from marts.fct_profit_and_loss"
    " where business_date = :day and book_id = :book and instrument_id not like 'CASH:%'"
)


def test_money_lent_and_borrowed_stands_at_its_nominal() -> None:
    """At 100, whatever was paid for it, with fees or below par, and whatever somebody publishes as its price."""
    firm = SmallFirm(
        books=("FEE", "DISCOUNT", "REPO", "SHARE"),
        instruments=[
            DEAL | {"instrument_id": "LENT", "product_line": "deposit"},
            DEAL | {"instrument_id": "BORROWED", "product_line": "repo"},
            {"instrument_id": "S"},
        ],
    )
    dealt = [
        trade("1", MONDAY, 10_000, "100", book_id="FEE", instrument_id="LENT", fee_amount="1"),
        trade("2", MONDAY, 1_000, "99", book_id="DISCOUNT", instrument_id="LENT"),
        trade("3", MONDAY, -5_000, "100", book_id="REPO", instrument_id="BORROWED", fee_amount="2"),
        trade("4", MONDAY, 10, "10", book_id="SHARE", instrument_id="S"),
    ]
    firm.day(MONDAY, dealt, {"LENT": "98", "S": "10"})
    found = {book: value(VALUE, day=MONDAY, book=book) for book in ("FEE", "DISCOUNT", "REPO")}
    assert found == {"FEE": 10_000, "DISCOUNT": 1_000, "REPO": -5_000}
    assert rows(RESULT, day=MONDAY, book="FEE") == [(0, -1, -1)]
    assert rows(RESULT, day=MONDAY, book="DISCOUNT") == [(10, 0, 10)]
    assert rows(RESULT, day=MONDAY, book="REPO") == [(0, -2, -2)]
    stands = "select distinct price, price_date, is_price_missing, is_price_stale from marts.fct_positions where product_line <> 'equity'"
    assert rows(stands) == [(100, MONDAY, False, False)]
    # said again a day late, and of a date closed before
    firm.day(TUESDAY, [trade("5", MONDAY, 1_000, "99", book_id="DISCOUNT", instrument_id="LENT")], {"S": "10"})
    changed = "select changed_quantity, market_value_amount, total_amount from marts.rpt_what_changed"
    assert rows(changed) == [(1_000, 1_000, 10)]
    assert_books_tie()


def test_a_future_settles_below_zero_and_a_share_is_worth_nothing() -> None:
    """Oil of 20 April 2020 settled at -37.63: from 10.00 a contract of 1,000 barrels pays 47,630.00.

    A share at zero stands at zero; one below it, and a share bought for nothing, are refused.
    """
    oil = {"instrument_id": "CL", "product_line": "future", "contract_size": 1000, "expiry_date": "2026-01-20"}
    firm = SmallFirm(books=("OIL", "SHARE"), instruments=[oil, {"instrument_id": "S"}])
    bought = [
        trade("1", MONDAY, 1, "10", book_id="OIL", instrument_id="CL"),
        trade("2", MONDAY, 100, "10", book_id="SHARE", instrument_id="S"),
    ]
    firm.day(MONDAY, bought, {"CL": "10", "S": "10"})
    firm.day(TUESDAY, [trade("3", TUESDAY, 1, "-20", book_id="OIL", instrument_id="CL")], {"CL": "-37.63", "S": "0"})
    assert value("select sum(margin_amount) from marts.fct_variation_margin where business_date = :day", day=TUESDAY) == (
        Decimal("-47630") + Decimal("-17630")
    )
    assert value(VALUE, day=TUESDAY, book="SHARE") == 0
    assert (
        value("select total_amount from marts.fct_profit_and_loss where business_date = :day and instrument_id = 'S'", day=TUESDAY) == -1000
    )

    sold = [
        trade("4", WEDNESDAY, -2, "5", book_id="OIL", instrument_id="CL"),
        trade("5", WEDNESDAY, 1, "0", book_id="SHARE", instrument_id="S"),
    ]
    firm.day(WEDNESDAY, sold, {"CL": "6", "S": "-1"})
    # 2 x 5,000.00 less 10,000.00 and -20,000.00
    assert value("select sum(total_amount) from marts.fct_profit_and_loss where instrument_id = 'CL'") == 20_000
    realised = "select cost_amount, proceeds_amount, realised_amount from marts.fct_realised_results where instrument_id = 'CL' order by 1"
    assert rows(realised) == [(-20_000, 5_000, 25_000), (10_000, 5_000, -5_000)]
    assert value(VALUE, day=WEDNESDAY, book="SHARE") == 0
    refused = "select kind, reason_code from operations.exceptions order by 1"
    assert rows(refused) == [("prices", "NEGATIVE"), ("trades", "NOT_POSITIVE")]
    assert_books_tie()
