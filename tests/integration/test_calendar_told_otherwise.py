"""A business day that is added to the home calendar late is in the books of the day after it, and one that is dropped is between none."""

from datetime import date
from decimal import Decimal

import pytest
from integration.calendars_told import Tell, tell_market  # noqa: F401 - a fixture
from integration.conftest import close_day
from integration.small_firm import SmallFirm, assert_books_tie, assert_rebuilt_the_same, rows, trade

from posttrade.errors import PosttradeError
from posttrade.settings import get_settings

pytestmark = pytest.mark.usefixtures("fresh_database")
OFFICE = {"firm_id": "EXAMPLE", "name": "Example Firm", "base_currency_code": "USD", "home_calendar": "XETR"}
FUTURE = {"instrument_id": "F", "product_line": "future", "market_mic": "CMES", "contract_size": 5, "expiry_date": "2026-03-20"}


@pytest.mark.parametrize(
    ("row", "files", "before", "added", "after"),
    [
        ("XNYS: {opened: {2026-01-10: a session on a Saturday}}", {}, date(2026, 1, 9), date(2026, 1, 10), date(2026, 1, 12)),
        # Frankfurt trades on Martin Luther King's day, New York does not
        ("", {"firms": [OFFICE]}, date(2026, 1, 16), date(2026, 1, 19), date(2026, 1, 20)),
    ],
    ids=["a session is added", "another home calendar"],
)
def test_a_day_added_late_is_the_day_before_the_next(
    tell_market: Tell,  # noqa: F811
    row: str,
    files: dict[str, list[dict[str, str]]],
    before: date,
    added: date,
    after: date,
) -> None:
    firm = SmallFirm(instruments=[{"instrument_id": "S"}, FUTURE])
    firm.day(before, [trade("1", before, 100, "10", instrument_id="S"), trade("F", before, 3, "100", instrument_id="F")],
             {"S": "10", "F": "101"})  # fmt: skip
    if row:
        tell_market(row)
    firm.day(added, [trade("2", added, 10, "11", instrument_id="S")], {"S": "12", "F": "103"}, **files)
    firm.day(after, [], {"S": "13", "F": "102"})

    found = "select previous_business_date from books.business_days where business_date = any(:days) order by business_date"
    assert rows(found, days=[added, after]) == [(before,), (added,)]
    found = "select next_business_date from marts.dim_business_dates where business_date = any(:days) order by business_date"
    assert rows(found, days=[before, added]) == [(added,), (after,)]
    # 100 x 12 - 100 x 10 = 200, and 10 x (12 - 11) = 10 of what is bought; then 110 x (13 - 12) = 110
    assert rows(
        "select business_date, opening_value_amount, price_amount, new_trades_amount, total_amount, closing_value_amount"
        " from marts.fct_profit_and_loss where instrument_id = 'S' order by 1"
    ) == [
        (before, 0, 0, 0, 0, 1000),
        (added, 1000, 200, 10, 210, 1320),
        (after, 1320, 110, 0, 110, 1430),
    ]
    # 3 x 5 a point: 1, 2 and -1; each is paid on the day after, so that on the last one 15 + 30 have come in
    assert rows("select business_date, margin_amount from marts.fct_variation_margin order by 1") == [
        (before, 15),
        (added, 30),
        (after, -15),
    ]
    assert rows("select business_date, settled_amount from marts.fct_cash_balances where settled_amount <> 0 order by 1") == [
        (added, Decimal(15)),
        (after, Decimal(45)),
    ]
    assert_books_tie()
    assert_rebuilt_the_same()


def test_a_day_that_is_closed_late_drops_out_and_its_files_are_sent_to_the_next(tell_market: Tell) -> None:  # noqa: F811
    monday, tuesday, wednesday = date(2026, 1, 12), date(2026, 1, 13), date(2026, 1, 14)
    firm = SmallFirm(instruments=[{"instrument_id": "S"}])
    firm.day(monday, [trade("1", monday, 100, "10", instrument_id="S")], {"S": "10"})
    tell_market("XNYS: {closed: {2026-01-13: a day of mourning}}")
    firm.deliver(tuesday, "desks", [{"desk_id": "NEW", "name": "New desk"}])
    firm.deliver(tuesday, "trades", [trade("2", tuesday, 10, "10", instrument_id="S")])
    with pytest.raises(PosttradeError) as caught:
        close_day(tuesday)
    assert str(caught.value) == (
        "2026-01-13 is no business day of the firm's home calendar."
        " Put its files into the folder of the next one, 2026-01-14, and remove its own."
    )
    assert rows("select kind from landing.files where business_date = :day", day=tuesday) == []

    inbox = get_settings().inbox
    (inbox / tuesday.isoformat()).rename(inbox / wednesday.isoformat())
    firm.day(wednesday, [], {"S": "11"})
    found = "select business_date, previous_business_date from books.business_days where business_date between :first and :last order by 1"
    assert rows(found, first=tuesday, last=wednesday) == [(wednesday, monday)]
    assert rows("select business_date from books.desks where desk_id = 'NEW'") == [(wednesday,)]
    # 100 x (11 - 10); the trade of Tuesday is Wednesday's own, as no business day lies between: 10 x (11 - 10)
    assert rows(
        "select business_date, opening_value_amount, price_amount, new_trades_amount, prior_day_corrections_amount, closing_value_amount"
        " from marts.fct_profit_and_loss where instrument_id = 'S' order by 1"
    ) == [(monday, 0, 0, 0, 0, 1000), (wednesday, 1000, 100, 10, 0, 1210)]
    assert_books_tie()
    assert_rebuilt_the_same()
