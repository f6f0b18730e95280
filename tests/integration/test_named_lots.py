"""Sales that name a lot which cannot give what they close: booked, and told with the trade, the lot and the remedy."""

from datetime import date

import pytest
from integration.small_firm import SmallFirm, alerts, assert_books_tie, rows, trade

from posttrade.settings import get_settings

pytestmark = pytest.mark.usefixtures("fresh_database")
FRI, MON, TUE = date(2016, 4, 29), date(2016, 5, 2), date(2016, 5, 3)
REMEDY = "Have it amended with a lot that has them (closes_trade_id; in FIX tag 1752)."


def test_a_lot_that_is_gone_is_told_and_mended_by_an_amendment() -> None:
    """Two sales of 4 that name the same purchase of 5 (Beancount, booking_full_test.py competing__with_error); another lot is held in C."""
    firm = SmallFirm(books=("B", "C", "D"))
    method = [{"account_id": "A", "valid_from": "2000-01-01", "lot_method": "SPECIFIC"}]
    bought = [
        trade("1", FRI, 5, "115"),
        trade("1C", FRI, 5, "115", book_id="C"), trade("2C", FRI, 5, "117", book_id="C"), trade("3C", FRI, 5, "119", book_id="C"),
        trade("1D", FRI, 5, "115", book_id="D"),
    ]  # fmt: skip
    firm.day(FRI, bought, {"I": "115"}, lot_methods=method)
    assert alerts("lot_not_named", FRI) == []
    second_of_c = trade("5C", MON, -4, "120", book_id="C", closes_trade_id="2C", executed_at="2016-05-02T16:00:00Z")
    sold = [
        trade("4", MON, -4, "120", closes_trade_id="1"),
        trade("5", MON, -4, "120", closes_trade_id="1", executed_at="2016-05-02T16:00:00Z"),
        trade("4C", MON, -4, "120", book_id="C", closes_trade_id="2C"), second_of_c,
        trade("4D", MON, -2, "120", book_id="D"),
    ]  # fmt: skip
    firm.day(MON, sold, {"I": "120"})
    assert alerts("lot_not_named", MON) == [
        "CSV~4D in I, A and D names no lot: 2 were taken of the oldest lots in its place, and 0 found nothing to close and opened a"
        f" position of the other side. {REMEDY}",
        "CSV~5 in I, A and B names the lot CSV~1, which has not as much left: 0 were taken of the oldest lots in its place, and 3 found"
        f" nothing to close and opened a position of the other side. {REMEDY}",
        "CSV~5C in I, A and C names the lot CSV~2C, which has not as much left: 3 were taken of the oldest lots in its place, and 0 found"
        f" nothing to close and opened a position of the other side. {REMEDY}",
    ]
    held = "select lot_id, open_quantity, cost_amount from marts.fct_lots where business_date = :day and book_id = :book order by 1"
    assert rows(held, day=MON, book="B") == [("CSV~5", -3, -360)]
    assert rows(held, day=MON, book="C") == [("CSV~1C", 2, 230), ("CSV~3C", 5, 595)]

    # Mended: the second sale of C named the third purchase. 4 of it cost 476.00, and 1 of the second is left.
    firm.day(TUE, [second_of_c | {"version": 2, "event_type": "AMEND", "closes_trade_id": "3C"}], {"I": "120"})
    assert rows(held, day=TUE, book="C") == [("CSV~1C", 5, 575), ("CSV~2C", 1, 117), ("CSV~3C", 1, 119)]
    assert alerts("lot_not_named", TUE) == []
    # 480.00 for one of 117.00 and three of 115.00, then for four of 119.00.
    realised = "select business_date, sum(realised_amount) from marts.fct_realised_results where closing_trade_id = 'CSV~5C' group by 1"
    assert dict(rows(realised)) == {MON: 480 - 117 - 345, TUE: 480 - 476 - (480 - 117 - 345)}
    assert_books_tie()


def _execution(execution: str, day: date, side: int, price: str, more: str) -> str:
    """A fill of 100 in account A and book B, as a message."""
    traded = f"75={day:%Y%m%d}|60={day:%Y%m%d}-15:00:00|"
    body = f"35=8|34=1|17={execution}|526=B|1=A|55=I|54={side}|32=100|31={price}|15=USD|{traded}448=BRK|452=17|{more}"
    framed = f"8=FIX.4.4|9={len(body)}|{body}".replace("|", "\x01")
    return f"{framed}10={sum(framed.encode()) % 256:03d}\x01\n"


def _drop(day: date, *messages: str) -> None:
    path = get_settings().inbox / day.isoformat() / "drop.fix"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(messages))


def test_a_sale_names_the_lot_of_another_source() -> None:
    """Three lots of 100: at 10.00 and 11.00 by file, at 12.00 by FIX. A file sells the one by FIX, FIX that at 11.00; then FIX corrects
    itself: it meant the one at 10.00."""
    firm = SmallFirm()
    firm.make_known(FRI)
    _drop(FRI, _execution("E1", FRI, 1, "12", "150=F|"))
    bought = [trade("1", FRI, 100, "10"), trade("2", FRI, 100, "11")]
    firm.day(FRI, bought, {"I": "12"}, lot_methods=[{"account_id": "A", "valid_from": "2000-01-01", "lot_method": "SPECIFIC"}])
    _drop(MON, _execution("E2", MON, 2, "14", "150=F|1752=CSV~2|"))
    firm.day(MON, [trade("3", MON, -100, "15", closes_trade_id="FIX~E1")], {"I": "15"})
    realised = (
        "select closing_trade_id, lot_id, sum(realised_amount) from marts.fct_realised_results where business_date = :day group by 1, 2"
    )
    # 1,500.00 - 1,200.00 and 1,400.00 - 1,100.00
    assert sorted(rows(realised, day=MON)) == [("CSV~3", "FIX~E1", 300), ("FIX~E2", "CSV~2", 300)]
    held = "select lot_id, open_quantity, cost_amount from marts.fct_lots where business_date = :day"
    assert rows(held, day=MON) == [("CSV~1", 100, 1000)]
    _drop(TUE, _execution("E3", MON, 2, "14", "150=G|19=E2|1752=CSV~1|"))
    firm.day(TUE, [], {"I": "15"})
    assert rows(held, day=TUE) == [("CSV~2", 100, 1100)]
    # 1,400.00 - 1,000.00, of which 300.00 stood
    assert [sum(amount for *_, amount in rows(realised, day=TUE))] == [100]
    assert alerts("lot_not_named", MON) == alerts("lot_not_named", TUE) == []
    assert rows("select count(*) from operations.exceptions") == [(0,)]
    assert_books_tie()
