"""Cash for what an event cannot deliver whole: it is sold out of the lots that the account's method takes.

The figures are worked out by hand beside each case.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade

pytestmark = pytest.mark.usefixtures("fresh_database")
FRI, MON, TUE, WED, THU = date(2026, 1, 2), date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7), date(2026, 1, 8)
METHODS = ("FIFO", "LIFO", "HIGHEST_COST", "LOWEST_COST", "AVERAGE", "SPECIFIC")


def event(name: str, kind: str, **terms: object) -> dict[str, object]:
    return {
        "event_id": name, "instrument_id": name, "event_type": kind, "event_status": "ANNOUNCED", "ex_date": TUE, "pay_date": TUE,
        "currency_code": "USD",
    } | terms  # fmt: skip


def lots(account: str, name: str) -> list[tuple[object, ...]]:
    return rows(
        "select regexp_replace(lot_id, '^CSV~', ''), opened_date, open_quantity, cost_amount from marts.fct_lots"
        " where business_date = :day and account_id = :account and instrument_id = :name order by opened_date, lot_id",
        day=TUE, account=account, name=name,
    )  # fmt: skip


def test_a_fraction_is_taken_by_the_method_of_the_account() -> None:
    firm = SmallFirm(instruments=[{"instrument_id": name} for name in ("SPL", "TGT", "ACQ")], accounts=METHODS)
    methods = [{"account_id": one, "valid_from": "2000-01-01", "lot_method": one} for one in METHODS]
    # 3 at 12.00, 2 at 18.00 and 2 at 9.00, of which SPL are halved: 1.5 for 36.00, 1 for 36.00, 1 for 18.00. Per unit, 24, 36, 18.
    bought = [
        trade(f"{account}-{name}-{place}", day, size, price, instrument_id=name, account_id=account)
        for account in METHODS
        for name in ("SPL", "ACQ")
        for place, (day, size, price) in enumerate([(FRI, 3, "12"), (FRI, 2, "18"), (MON, 2, "9")])
    ]
    # 5 of TGT for 30.00 bring 2 and a half of ACQ.
    bought += [trade(f"{account}-TGT", MON, 5, "6", instrument_id="TGT", account_id=account) for account in METHODS]
    firm.day(MON, bought, {"SPL": "12", "TGT": "6", "ACQ": "12"}, lot_methods=methods)
    events = [
        event("SPL", "REVERSE_SPLIT", new_units=1, old_units=2, fraction_price="26.00"),
        event("TGT", "MERGER", received_instrument_id="ACQ", new_units=1, old_units=2, fraction_price="13.00"),
    ]
    firm.day(TUE, [], {"SPL": "24", "ACQ": "12"}, corporate_actions=events)

    # Half a unit brings 13.00; what it cost: a third of 36.00, half of 36.00, half of 18.00, or a seventh of 90.00.
    first, second, third = ("0", FRI), ("1", FRI), ("2", MON)
    half = Decimal("0.5")
    left = {
        "FIFO": [(*first, 1, 24), (*second, 1, 36), (*third, 1, 18)],
        "LIFO": [(*first, 3 * half, 36), (*second, 1, 36), (*third, half, 9)],
        "HIGHEST_COST": [(*first, 3 * half, 36), (*second, half, 18), (*third, 1, 18)],
        "LOWEST_COST": [(*first, 3 * half, 36), (*second, 1, 36), (*third, half, 9)],
        "SPECIFIC": [(*first, 1, 24), (*second, 1, 36), (*third, 1, 18)],
    }
    for account, expected in left.items():
        assert lots(account, "SPL") == [(f"{account}-SPL-{place}", *rest) for place, *rest in expected], account
    assert lots("AVERAGE", "SPL") == [("AVERAGE", FRI, 3, Decimal("77.14"))]
    realised = "select account_id, sum(realised_amount) from marts.fct_realised_results where instrument_id = :name group by 1"
    assert dict(rows(realised, name="SPL")) == {
        "FIFO": 1, "LIFO": 4, "HIGHEST_COST": -5, "LOWEST_COST": 4, "AVERAGE": Decimal("0.14"), "SPECIFIC": 1
    }  # fmt: skip

    # Of the 9 and a half ACQ for 120.00 half a unit is paid 6.50: it cost 6.00 of 12.00, 9.00 of 18.00, 4.50 of 9.00, the 2.5
    # that came cost 12.00 each; the last bought are those of Monday, the ones that came after those that were there.
    assert dict(rows(realised, name="ACQ")) == {
        "FIFO": half, "LIFO": half, "HIGHEST_COST": -5 * half, "LOWEST_COST": 2, "AVERAGE": Decimal("0.18"), "SPECIFIC": half
    }  # fmt: skip
    assert lots("AVERAGE", "ACQ") == [("AVERAGE", FRI, 9, Decimal("113.68"))]
    assert lots("LIFO", "ACQ")[-2:] == [("LIFO-ACQ-2", MON, 2, 18), ("LIFO-TGT", MON, 2, 24)]
    assert rows("select distinct fraction_quantity, cash_amount from marts.fct_corporate_actions where event_id = 'SPL'") == [(half, 13)]
    assert rows(
        "select distinct fraction_quantity, cash_amount from marts.fct_corporate_actions where event_id = 'TGT' and instrument_id = 'ACQ'"
    ) == [(half, Decimal("6.50"))]
    # Nobody named a lot for it, and nobody had to.
    assert rows("select account_id from intermediate.int_lots__matched where unnamed_quantity <> 0") == []
    assert_books_tie()


def test_the_method_is_that_of_the_ex_date_and_an_average_is_one_lot_at_once() -> None:
    firm = SmallFirm(instruments=[{"instrument_id": name} for name in ("SPL", "OLD", "NEW")])
    since_tuesday = [
        {"account_id": "A", "valid_from": "2000-01-01", "lot_method": "FIFO"},
        {"account_id": "A", "valid_from": TUE, "lot_method": "AVERAGE"},
    ]
    bought = [
        trade("1", MON, 3, "12", instrument_id="SPL"), trade("2", MON, 4, "18", instrument_id="SPL"),
        trade("3", MON, 3, "10", instrument_id="OLD"), trade("4", MON, 3, "20", instrument_id="OLD"),
        trade("5", MON, 2, "10", instrument_id="NEW"),
    ]  # fmt: skip
    prices = {"SPL": "15", "OLD": "15", "NEW": "10"}
    firm.day(MON, bought, prices, lot_methods=since_tuesday)
    merger = event("OLD", "MERGER", received_instrument_id="NEW", new_units=1, old_units=1)
    firm.day(TUE, [], {"SPL": "30", "NEW": "15"}, corporate_actions=[merger])
    # Whole units came into an account that keeps an average: 8 for 30.00, 60.00 and 20.00.
    assert lots("A", "NEW") == [("AVERAGE", MON, 8, 110)]
    assert len(lots("A", "SPL")) == 2
    # Told a day late, at Tuesday's method: 3 and a half for 108.00, of which a half cost 15.43 and brings 14.00.
    halved = event("SPL", "REVERSE_SPLIT", new_units=1, old_units=2, fraction_price="28.00")
    firm.day(WED, [], {"SPL": "30", "NEW": "15"}, corporate_actions=[halved])
    assert rows("select lot_id, open_quantity, cost_amount from marts.fct_lots where business_date = :day and instrument_id = 'SPL'",
                day=WED) == [("AVERAGE", 3, Decimal("92.57"))]  # fmt: skip
    assert_books_tie()


def test_a_method_stated_late_takes_the_fraction_out_of_other_lots() -> None:
    firm = SmallFirm(instruments=[{"instrument_id": "SPL"}])
    fifo = [{"account_id": "A", "valid_from": "2000-01-01", "lot_method": "FIFO"}]
    bought = [trade("1", MON, 3, "12", instrument_id="SPL"), trade("2", MON, 2, "18", instrument_id="SPL")]
    firm.day(MON, bought, {"SPL": "14"}, lot_methods=fifo)
    halved = event("SPL", "REVERSE_SPLIT", new_units=1, old_units=2, fraction_price="26.00")
    firm.day(TUE, [], {"SPL": "26"}, corporate_actions=[halved])
    # 1.5 for 36.00 and 1 for 36.00: the half of FIFO cost 12.00, that of LIFO 18.00.
    last_in = [{"account_id": "A", "valid_from": TUE, "lot_method": "LIFO"}]
    firm.day(WED, [], {"SPL": "26"}, lot_methods=last_in)
    left = "select open_quantity, cost_amount from marts.fct_lots where business_date = :day order by cost_amount, 1"
    assert rows(left, day=TUE) == [(1, 24), (1, 36)]
    assert rows(left, day=WED) == [(Decimal("0.5"), 18), (Decimal("1.5"), 36)]
    realised = "select business_date, sum(realised_amount) from marts.fct_realised_results group by 1"
    assert dict(rows(realised)) == {TUE: 1, WED: -6}
    assert_books_tie()
