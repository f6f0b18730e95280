"""The return of a book whose short positions leave little or nothing of its capital: on the gross exposure, and said to be."""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, rows, trade

from posttrade.records.database import Role, engine
from posttrade.reports.book_returns import read_book_returns

MON, TUE, WED = (date(2026, 1, day) for day in (5, 6, 7))


@pytest.mark.usefixtures("fresh_database")
def test_a_book_with_little_net_capital_returns_on_its_gross_exposure() -> None:
    firm = SmallFirm(books=("PAIR", "SHORT", "LONG"), instruments=[{"instrument_id": name} for name in ("I", "J", "K")])
    dealt = [
        trade("1", MON, 101, "10", book_id="PAIR"), trade("2", MON, -100, "10", book_id="PAIR", instrument_id="J"),
        trade("3", MON, -100, "10", book_id="SHORT", instrument_id="K"), trade("4", MON, 100, "10", book_id="LONG"),
    ]  # fmt: skip
    firm.day(MON, dealt, {"I": "10", "J": "10", "K": "10"})
    firm.day(TUE, [], {"I": "11", "J": "10", "K": "9"})
    firm.day(WED, [], {"I": "10", "J": "10", "K": "9"})
    # 101.00 of 1,010.00 and 1,000.00, not of 10.00; what comes back has its old unit price, to the last digit shown.
    assert rows(
        "select book_id, business_date, capital_basis, capital_amount_base, return_ratio, unit_price from marts.rpt_book_returns"
        " where business_date > :first order by 1, 2",
        first=MON,
    ) == [
        ("LONG", TUE, "NET", 1000, Decimal("0.1"), 110),
        ("LONG", WED, "NET", 1100, Decimal("-0.090909090909"), 100),
        ("PAIR", TUE, "GROSS", 2010, Decimal("0.050248756219"), Decimal("105.024875621891")),
        ("PAIR", WED, "GROSS", 2111, Decimal("-0.047844623401"), 100),
        ("SHORT", TUE, "GROSS", 1000, Decimal("0.1"), 110),
        ("SHORT", WED, "GROSS", 900, 0, 110),
    ]
    found = {one.book_id: one for one in read_book_returns(engine(Role.ANALYST))}
    assert {name: (one.capital_basis, one.money_weighted is None) for name, one in found.items()} == {
        "LONG": ("NET", False), "PAIR": ("GROSS", True), "SHORT": ("GROSS", True),
    }  # fmt: skip


@pytest.mark.usefixtures("fresh_database")
def test_a_book_of_futures_with_next_to_no_capital_returns_on_what_there_is() -> None:
    """0.01 in a share and a billion futures that gain 100.00 each on both days: 10,000,000,000,000 times the capital, twice."""
    future = {"instrument_id": "FUT", "product_line": "future", "contract_size": 1, "expiry_date": "2026-06-19"}
    firm = SmallFirm(instruments=[{"instrument_id": "I"}, future])
    dealt = [trade("1", MON, "0.001", "10"), trade("2", MON, 10**9, "100", instrument_id="FUT")]
    for day, price in ((MON, "100"), (TUE, "200"), (WED, "300")):
        firm.day(day, dealt if day == MON else [], {"I": "10", "FUT": price})
    growth = 10**13 + 1
    assert rows(
        "select business_date, capital_amount_base, return_ratio, unit_price, return_ratio_mtd from marts.rpt_book_returns"
        " where business_date > :first order by 1",
        first=MON,
    ) == [
        (TUE, Decimal("0.01"), 10**13, 100 * growth, growth - 1),
        (WED, Decimal("0.01"), 10**13, 100 * growth**2, growth**2 - 1),
    ]
    (found,) = read_book_returns(engine(Role.ANALYST))
    assert found.time_weighted == pytest.approx(growth**2 - 1, rel=1e-12)
