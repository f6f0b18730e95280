"""What the ledger said and says no longer is reversed with a link, and what is said instead is posted anew: of every kind of entry."""

from datetime import date
from decimal import Decimal

import pytest
from integration.conftest import close_day, run_day_until
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade

from posttrade.offices import accounting
from posttrade.records.database import Role, engine

MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
# One side of each entry: what it says, and the date of the entry it takes back.
ENTRIES = """
select entries.business_date, lines.amount, lines.amount_base, taken_back.business_date
from ledger.journal_entries as entries
inner join ledger.journal_lines as lines on entries.entry_id = lines.entry_id
left join ledger.journal_entries as taken_back on entries.reverses_entry_id = taken_back.entry_id
where entries.event_type = :kind and lines.instrument_id = :instrument and lines.gl_account = :gl_account
order by entries.business_date, taken_back.business_date nulls last, lines.amount
"""


def entries(kind: str, instrument: str, gl_account: str) -> list[tuple[date, Decimal, Decimal, date | None]]:
    return rows(ENTRIES, kind=kind, instrument=instrument, gl_account=gl_account)


def event(name: str, kind: str, instrument: str, **terms: object) -> dict[str, object]:
    return {
        "event_id": name, "instrument_id": instrument, "event_type": kind, "event_status": "ANNOUNCED", "ex_date": TUE, "pay_date": TUE,
        "currency_code": "USD",
    } | terms  # fmt: skip


@pytest.mark.usefixtures("fresh_database")
def test_income_events_and_their_cash_are_reversed_and_posted_anew() -> None:
    pair = {"instrument_id": "FX", "product_line": "fx_spot", "notional_currency_code": "EUR", "market_mic": "XOFF"}
    firm = SmallFirm(base="EUR", instruments=[{"instrument_id": name} for name in ("I", "J", "T")] + [pair])
    dividend, merger = event("E", "CASH_DIVIDEND", "I", amount_per_unit="0.5"), event("M", "MERGER", "T", amount_per_unit="12")
    withdrawn = event("W", "CASH_DIVIDEND", "J", amount_per_unit="0.5")
    bought = [trade(name, MON, 100, "10", instrument_id=name) for name in ("I", "J", "T")]
    early, paid = trade("F", MON, 100, "1.10", instrument_id="FX"), trade("G", MON, 100, "1.10", instrument_id="FX")
    firm.day(MON, [*bought, early, paid], dict.fromkeys("IJT", "10"), {"USD": "0.90"})
    # one pair is cancelled before its value date, Wednesday, the other after it
    cancel = {"version": 2, "event_type": "CANCEL"}
    firm.day(TUE, [early | cancel], {"I": "10", "J": "10"}, {"USD": "0.90"}, corporate_actions=[dividend, merger, withdrawn])
    # 0.50 was 0.60, the other dividend was none, the merger paid 13 and not 12
    told = [dividend | {"amount_per_unit": "0.6"}, withdrawn | {"event_status": "WITHDRAWN"}, merger | {"amount_per_unit": "13"}]
    firm.day(WED, [], {"I": "10", "J": "10"}, {"USD": "0.95"}, corporate_actions=told)

    # 60.00 at the 0.90 of the ex date.
    assert entries("INCOME", "I", "dividend_income") == [
        (TUE, -50, -45, None), (WED, 50, 45, TUE), (WED, -60, -54, None),
    ]  # fmt: skip
    assert entries("INCOME", "J", "dividend_income") == [(TUE, -50, -45, None), (WED, 50, 45, TUE)]
    assert entries("INCOME_CASH", "I", "cash") == [(TUE, 50, 45, None), (WED, -50, -45, TUE), (WED, 60, 57, None)]
    assert entries("INCOME_CASH", "J", "cash") == [(TUE, 50, 45, None), (WED, -50, -45, TUE)]
    cash = [(TUE, 1200, 1080, None), (WED, -1200, -1080, TUE), (WED, 1300, 1235, None)]
    assert entries("CORPORATE_ACTION_CASH", "T", "cash") == cash
    assert [(day, amount, back) for day, amount, _, back in entries("CORPORATE_ACTION", "T", "income_receivable")] == [
        (TUE, 1200, None), (WED, -1200, TUE), (WED, 1300, None),
    ]  # fmt: skip
    assert_books_tie()
    counts = accounting.post_journal(WED, engine(Role.POSTER))
    assert (counts["posted"], counts["reversed"]) == (0, 0)

    # The merger is off.
    firm.day(
        THU, [paid | cancel], dict.fromkeys("IJT", "10"), {"USD": "0.95"}, corporate_actions=[merger | {"event_status": "WITHDRAWN"}],
    )  # fmt: skip
    assert [(day, amount, back) for day, amount, _, back in entries("VALUE_DATE", "FX", "cash") if amount in {100, -100}] == [
        (WED, 100, None), (THU, -100, WED),
    ]  # fmt: skip
    assert entries("CORPORATE_ACTION_CASH", "T", "cash") == [*cash, (THU, -1300, -1235, WED)]
    assert [(day, amount, back) for day, amount, _, back in entries("CORPORATE_ACTION", "T", "income_receivable")][3:] == [
        (THU, -1300, WED)
    ]
    assert_books_tie()


@pytest.mark.usefixtures("fresh_database")
def test_what_a_date_says_no_longer_before_it_closes_is_taken_back_and_the_former_stands_again() -> None:
    firm = SmallFirm()
    dividend = event("E", "CASH_DIVIDEND", "I", amount_per_unit="0.5", pay_date=FRI)
    firm.day(MON, [trade("1", MON, 100, "10")], {"I": "10"})
    firm.day(TUE, [], {"I": "10"}, corporate_actions=[dividend])
    firm.deliver(WED, "prices", [{"instrument_id": "I", "price_date": WED, "price": "10", "currency_code": "USD"}])
    firm.deliver(WED, "corporate_actions", [dividend | {"amount_per_unit": "0.6"}])
    run_day_until(accounting.post_journal, WED)
    assert entries("INCOME", "I", "dividend_income")[1:] == [(WED, 50, 50, TUE), (WED, -60, -60, None)]
    # another file of the date says 0.50 again
    firm.deliver(WED, "corporate_actions", [dividend | {"revision": 2}], "_b")
    close_day(WED)
    assert entries("INCOME", "I", "dividend_income") == [
        (TUE, -50, -50, None), (WED, 50, 50, TUE), (WED, 60, 60, WED), (WED, -60, -60, None), (WED, -50, -50, None),
    ]  # fmt: skip
    firm.day(THU, [], {"I": "10"})
    assert entries("INCOME", "I", "dividend_income")[5:] == []
    assert_books_tie()
