"""A cancelled trade stays cancelled, in whatever order its events arrive."""

from datetime import date

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade
from sqlalchemy import text

from posttrade.controls.build import BUSINESS_DATE_QUERY
from posttrade.controls.catalogue import all_controls
from posttrade.records.database import Role, engine

pytestmark = pytest.mark.usefixtures("fresh_database")
MONDAY, TUESDAY, WEDNESDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)


def test_an_amendment_does_not_bring_a_cancelled_trade_back() -> None:
    """100 bought, cancelled by version 2, and said to be 70 by version 3: told in three orders, and once all at once."""
    firm = SmallFirm(books=("IN ORDER", "BACKWARDS", "LAST FIRST", "AT ONCE", "LIVES"))

    def events(book_id: str, *versions: int) -> list[dict[str, object]]:
        told = {
            1: trade(book_id, MONDAY, 100, "10", book_id=book_id),
            2: {"trade_id": book_id, "version": 2, "event_type": "CANCEL"},
            3: trade(book_id, MONDAY, 70, "10", book_id=book_id, version=3, event_type="AMEND"),
        }
        return [told[version] for version in versions]

    price = {"I": "10"}
    lives = trade("L", MONDAY, 100, "10", book_id="LIVES")
    firm.day(MONDAY, [*events("IN ORDER", 1), *events("BACKWARDS", 1, 3), *events("LAST FIRST", 3), lives], price)
    held = "select book_id, traded_quantity from marts.fct_positions where business_date = :day and traded_quantity <> 0 order by 1"
    # the last version counts while no cancellation is known, and nothing without the original
    assert rows(held, day=MONDAY) == [("BACKWARDS", 70), ("IN ORDER", 100), ("LIVES", 100)]
    firm.day(TUESDAY, [*events("IN ORDER", 2), *events("BACKWARDS", 2), *events("LAST FIRST", 2), *events("AT ONCE", 1, 2, 3)], price)
    assert rows(held, day=TUESDAY) == [("LIVES", 100)]
    firm.day(WEDNESDAY, [*events("IN ORDER", 3), *events("LAST FIRST", 1)], price)
    assert rows(held, day=WEDNESDAY) == [("LIVES", 100)]
    state = (
        "select distinct on (trade_id) trade_status from marts.fct_trades where trade_id <> 'CSV~L' order by trade_id, business_date desc"
    )
    assert rows(state) == [("CANCELLED",)] * 4
    # each on the date that brings the second of the two
    assert reported(MONDAY) == set()
    assert reported(TUESDAY) == {("CSV~AT ONCE", 3), ("CSV~BACKWARDS", 3), ("CSV~LAST FIRST", 3)}
    assert reported(WEDNESDAY) == {("CSV~IN ORDER", 3)}
    assert_books_tie()


def reported(day: date) -> set[tuple[str, int]]:
    """Which versions the control names on a date."""
    control = next(one for one in all_controls() if one.control_id == "trade_after_cancellation")
    query = control.query.replace("{batch}", f"({BUSINESS_DATE_QUERY})")
    with engine(Role.AUDITOR).connect() as connection:
        connection.execute(text(f"set posttrade.business_date = '{day}'"))
        return {(row.trade_id, row.version) for row in connection.execute(text(query))}
