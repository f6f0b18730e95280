"""Events of one date that reach one another's instruments: in the order of what they deliver, whatever they are called.

The figures are worked out by hand beside each case.
"""

from datetime import date

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, confirmed, rows, trade

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)


def event(name: str, kind: str, received: str | None = None, **terms: object) -> dict[str, object]:
    return {
        "event_id": f"{name}-{kind}", "instrument_id": name, "event_type": kind, "event_status": "ANNOUNCED", "ex_date": WED,
        "pay_date": WED, "currency_code": "USD", "received_instrument_id": received or "", "new_units": 1, "old_units": 1,
    } | terms  # fmt: skip


def test_what_is_delivered_is_subject_to_the_other_events_of_the_date() -> None:
    names = ("AST", "ZRT", "ZST", "ART", "C", "D", "E", "F", "O")
    firm = SmallFirm(instruments=[{"instrument_id": name} for name in names])
    prices = dict.fromkeys(names, "10")
    firm.day(MON, [trade(name, MON, 10, "10", instrument_id=name) for name in ("AST", "ZST", "E", "O")], prices)
    statuses = [one for name in ("AST", "ZST", "E", "O") for one in confirmed(TUE, name)]
    firm.day(TUE, [], prices, settlement_statuses=statuses)
    events = [
        # a right for each share takes a tenth of the cost and is exercised at 6.00 on the day; the names of the one pair are the other's
        # turned round
        event("AST", "RIGHTS_ISSUE", "ZRT", cost_fraction="0.1"),
        event("ZRT", "RIGHTS_EXERCISE", "AST", amount_per_unit="6"),
        event("ZST", "RIGHTS_ISSUE", "ART", cost_fraction="0.1"),
        event("ART", "RIGHTS_EXERCISE", "ZST", amount_per_unit="6"),
        # E becomes F, F becomes C and C becomes D, which is split
        event("C", "MERGER", "D"),
        event("E", "MERGER", "F"),
        event("F", "MERGER", "C"),
        event("D", "SPLIT", new_units=2),
    ]
    firm.day(WED, [], prices, corporate_actions=events)
    held = """select instrument_id, traded_quantity, settled_quantity, cost_amount from marts.fct_positions
        where business_date = :day and (traded_quantity <> 0 or settled_quantity <> 0) order by 1"""
    assert rows(held, day=WED) == [("AST", 20, 20, 160), ("D", 20, 20, 100), ("O", 10, 10, 100), ("ZST", 20, 20, 160)]
    assert_books_tie()
