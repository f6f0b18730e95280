"""What comes late or is amended costs what it would have cost in time: the currency's rate of its own date."""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade

pytestmark = pytest.mark.usefixtures("fresh_database")
MONDAY, TUESDAY, WEDNESDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)


def test_neither_amendment_nor_delay_changes_the_rate_of_a_trade() -> None:
    """100 bought at 10 USD on Monday at 0.90, sold at 10 USD on Wednesday at 0.95: 50.00 EUR of currency, less 1 USD of fee at 0.90."""
    firm = SmallFirm(base="EUR", books=("IN TIME", "AMENDED", "LATE", "AGREED"))
    price = {"I": "10"}

    def bought(book_id: str, **changes: object) -> dict[str, object]:
        return trade(book_id, MONDAY, 100, "10", book_id=book_id, **{"fee_amount": "1", **changes})

    firm.day(MONDAY, [bought("IN TIME"), bought("AMENDED", fee_amount="0"), bought("AGREED", fx_rate="0.91", fee_amount="0")], price,
             {"USD": "0.90"})  # fmt: skip
    firm.day(
        TUESDAY,
        [
            bought("AMENDED", version=2, event_type="AMEND"),
            bought("LATE"),
            bought("AGREED", version=2, event_type="AMEND", fx_rate="0.91"),
        ],
        price,
        {"USD": "0.95"},
    )
    cost = "select book_id, cost_amount_base from marts.fct_positions where business_date = :day and instrument_id = 'I'"
    # 1,001 at 0.90, and at 0.91
    in_time = Decimal("900.90")
    assert dict(rows(cost, day=TUESDAY)) == dict.fromkeys(("IN TIME", "AMENDED", "LATE"), in_time) | {"AGREED": Decimal("910.91")}
    corrections = (
        "select book_id, amended_trades_amount_base, late_trades_amount_base, fx_translation_amount_base from marts.fct_profit_and_loss"
        " where business_date = :day and instrument_id = 'I'"
    )
    # what it gained by the rate since Monday is the late trade's correction of a closed day; of the others it is Tuesday's
    assert {(book, *(round(one, 2) for one in amounts)) for book, *amounts in rows(corrections, day=TUESDAY)} == {
        ("IN TIME", 0, 0, 50), ("AMENDED", 0, 0, 50), ("AGREED", 0, 0, 50), ("LATE", 0, 50, 0),
    }  # fmt: skip
    books = ("IN TIME", "AMENDED", "LATE", "AGREED")
    firm.day(WEDNESDAY, [trade(f"S{book}", WEDNESDAY, -100, "10", book_id=book) for book in books], price, {"USD": "0.95"})
    realised = "select book_id, realised_amount_base, realised_fx_amount_base from marts.fct_realised_results where business_date = :day"
    # 950.00 less 900.90: 1 USD of fee at 0.95 is the price's part
    expected = {(book, Decimal("49.10"), Decimal("50.05")) for book in books[:3]} | {("AGREED", Decimal("39.09"), Decimal("40.04"))}
    assert set(rows(realised, day=WEDNESDAY)) == expected
    assert_books_tie()


def test_a_dividend_told_late_is_worth_the_rate_of_its_ex_date() -> None:
    """100 shares at 0.50 USD gone ex on Tuesday at 0.95, announced on Wednesday at 0.99: 47.50 EUR of income."""
    firm = SmallFirm(base="EUR")
    firm.day(MONDAY, [trade("1", MONDAY, 100, "10")], {"I": "10"}, {"USD": "0.90"})
    firm.day(TUESDAY, [], {"I": "9.5"}, {"USD": "0.95"})
    dividend = {
        "event_id": "DIVIDEND", "event_type": "CASH_DIVIDEND", "instrument_id": "I", "ex_date": TUESDAY, "pay_date": "2026-01-16",
        "amount_per_unit": "0.5", "currency_code": "USD", "event_status": "ANNOUNCED",
    }  # fmt: skip
    firm.day(WEDNESDAY, [], {"I": "9.5"}, {"USD": "0.99"}, corporate_actions=[dividend])
    assert rows("select business_date, gross_amount, gross_amount_base from marts.fct_income") == [(WEDNESDAY, 50, Decimal("47.50"))]
    explained = (
        "select instrument_id, income_amount_base, fx_transaction_amount_base from marts.fct_profit_and_loss"
        " where business_date = :day and (income_amount_base <> 0 or instrument_id like 'CASH:%') order by 1"
    )
    cash, share = rows(explained, day=WEDNESDAY)
    assert share == ("I", Decimal("47.50"), 0)
    # Monday's 1,000 USD owed from 0.95 to 0.99, and 50 USD to be received from 0.95 to 0.99
    assert cash == ("CASH:USD", 0, Decimal("-40.00") + Decimal("2.00"))
    assert_books_tie()
