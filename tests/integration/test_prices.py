"""What stands at a fixed price, and prices at zero and below."""

from datetime import date
from decimal import Decimal

import pytest
from integration.conftest import STEPS
from integration.recorded_dbt import recorded_dbt
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value

from posttrade.offices.controls import check_books
from posttrade.offices.settlement import deliver_outbox
from posttrade.records.database import Role, engine
from posttrade.reports.changes import Figure, read_changes

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


def test_a_deposit_keeps_nothing_in_the_house() -> None:
    """With all controls over the books asked: money lent has its price, and the share bought beside it is instructed and delivered."""
    firm = SmallFirm(instruments=[DEAL | {"instrument_id": "LENT", "product_line": "deposit"}, {"instrument_id": "S"}])
    for kind, lines in firm._reference().items():
        firm.deliver(MONDAY, kind, lines)
    dealt = [trade("1", MONDAY, 10_000, "100", instrument_id="LENT", fee_amount="1"), trade("2", MONDAY, 10, "5", instrument_id="S")]
    firm.deliver(MONDAY, "trades", dealt)
    firm.deliver(MONDAY, "prices", [{"instrument_id": "S", "price_date": MONDAY, "price": "5", "currency_code": "USD"}])
    for step, role in STEPS:
        if step is deliver_outbox:
            check_books(MONDAY, engine(Role.OPERATOR))
            assert rows("select control_id, message from operations.alerts where severity = 'critical'") == []
        with recorded_dbt():
            counts = step(MONDAY, engine(role))
        if step is deliver_outbox:
            assert counts == {"instructions": 1, "messages": 1, "blocked": 0}


def test_the_value_of_a_future_is_the_same_however_it_was_told() -> None:
    """2 of 50 times 101, bought at 100: 100.00 of gain, paid the next day, so that nothing is left of value. In order, late and amended."""
    future = {"instrument_id": "FUT", "product_line": "future", "market_mic": "CMES", "contract_size": 50, "expiry_date": "2026-01-20"}
    told = ("ORDER", "LATE", "AMENDED")
    firm = SmallFirm(books=told, instruments=[future])
    first = [
        trade("1", MONDAY, 2, "100", book_id="ORDER", instrument_id="FUT"),
        trade("3", MONDAY, 1, "100", book_id="AMENDED", instrument_id="FUT"),
    ]
    firm.day(MONDAY, first, {"FUT": "101"})
    then = [
        trade("2", MONDAY, 2, "100", book_id="LATE", instrument_id="FUT"),
        trade("3", MONDAY, 2, "100", book_id="AMENDED", instrument_id="FUT", version=2, event_type="AMEND"),
    ]
    firm.day(TUESDAY, then, {"FUT": "103"})
    for book in told:
        _, changes = read_changes(engine(Role.ANALYST), book, MONDAY)
        (found,) = [one for one in changes if one.instrument_id == "FUT"]
        assert found.as_known_now == Figure(Decimal(2), Decimal(0), Decimal(100)), book
    assert rows("select distinct market_value_amount from marts.fct_positions where traded_quantity = 2") == [(0,)]
    exposure = "select book_id, sum(exposure_amount), sum(market_value_amount) from marts.rpt_what_changed where instrument_id = 'FUT'"
    assert rows(exposure + " group by 1 order by 1") == [("AMENDED", 5_050, 0), ("LATE", 10_100, 0)]
    assert_books_tie()


def test_the_result_of_a_future_in_a_foreign_currency_is_the_same_however_it_was_told() -> None:
    """1 of 50, bought on Monday at 100: 50.00 USD on Monday, when it closed at 101, and 100.00 on Tuesday, at 103; by each day's rate,
    50 x 0.90 + 100 x 1.00 = 145.00 EUR until Tuesday. Told on Wednesday, when Monday's price of the other future, 104, is corrected to 102:
    100 x 0.90 + 50 x 1.00 = 140.00 EUR, as if it had been known.
    """
    told = ("ORDER", "LATE", "AMENDED", "CANCELLED")
    future = {"product_line": "future", "market_mic": "CMES", "contract_size": 50, "expiry_date": "2026-01-20"}
    firm = SmallFirm(base="EUR", books=told, instruments=[future | {"instrument_id": "FUT"}, future | {"instrument_id": "REPRICED"}])
    amended, cancelled = (
        trade("2", MONDAY, 3, "100", book_id="AMENDED", instrument_id="FUT"),
        trade("3", MONDAY, 1, "100", book_id="CANCELLED", instrument_id="FUT"),
    )
    bought = [
        trade("1", MONDAY, 1, "100", book_id="ORDER", instrument_id="FUT", fee_amount="2"), amended, cancelled,
        trade("5", MONDAY, 1, "100", book_id="ORDER", instrument_id="REPRICED"),
    ]  # fmt: skip
    firm.day(MONDAY, bought, {"FUT": "101", "REPRICED": "104"}, {"USD": "0.90"})
    firm.day(TUESDAY, [], {"FUT": "103", "REPRICED": "103"}, {"USD": "1.00"})
    then = [
        trade("4", MONDAY, 1, "100", book_id="LATE", instrument_id="FUT", fee_amount="2"),
        amended | {"version": 2, "event_type": "AMEND", "quantity": "1", "fee_amount": "2"},
        cancelled | {"version": 2, "event_type": "CANCEL"},
    ]
    prices = [
        {"instrument_id": name, "price_date": day, "price": price, "currency_code": "USD"}
        for name, day, price in (("REPRICED", MONDAY, "102"), ("REPRICED", WEDNESDAY, "103"), ("FUT", WEDNESDAY, "103"))
    ]
    firm.deliver(WEDNESDAY, "prices", prices)
    firm.day(WEDNESDAY, then, rates={"USD": "1.10"})
    known = "select instrument_id, total_to_date_amount_base from marts.figures_as_known_at(:day, now()) where book_id = :book order by 1"
    # the fee of 2.00 USD was paid on Monday, at 0.90
    for day, gained in ((MONDAY, "43.20"), (TUESDAY, "143.20")):
        for book in told:
            future_of_book = dict(rows(known, day=day, book=book))
            assert future_of_book["FUT"] == (Decimal(gained) if book != "CANCELLED" else 0), (book, day)
    assert [dict(rows(known, day=day, book="ORDER"))["REPRICED"] for day in (MONDAY, TUESDAY)] == [90, 140]
    # Of the claims, what the currency made until Tuesday, from 0.90 to 1.00, of what was gained on Monday: of 50.00 less the fee, and of
    # 100.00 of REPRICED.
    claims = {day: {book: dict(rows(known, day=day, book=book)).get("CASH:USD", 0) for book in told} for day in (MONDAY, TUESDAY)}
    assert set(claims[MONDAY].values()) == {0}
    assert claims[TUESDAY] == {"ORDER": Decimal("14.80"), "LATE": Decimal("4.80"), "AMENDED": Decimal("4.80"), "CANCELLED": 0}
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
