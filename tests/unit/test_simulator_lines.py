"""What the simulated world works out for itself of futures, currencies, money lent and events; every figure by hand."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from posttrade.simulator.custodian import Custodian, Instruction
from posttrade.simulator.deals import ClearingHouse
from posttrade.simulator.events import UnitEvent, in_order, recorded_event, units_after
from posttrade.simulator.forwards import discount_factor, outright
from posttrade.simulator.lines import Lines
from posttrade.simulator.own_books import CashFlow, OwnBooks
from posttrade.simulator.reference import Holding, Instrument, instruments
from posttrade.simulator.trade_files import TradeEvent
from posttrade.simulator.treasury import Treasury

MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
ONE, NONE = Decimal(1), Decimal(0)


def deal(version: int, event_type: str, quantity: int, price: str) -> TradeEvent:
    return TradeEvent(
        "D", version, event_type, str(MON), "", "", "DERIV", "OWN_DERIV", "", "", "FUT", "BUY", str(quantity), price, "EUR", "2.20"
    )


def test_margin_follows_the_price_and_what_is_learned_of_a_deal() -> None:
    future = Instrument("FUT", None, "", "future", "EUR", "XEUR", "DE", "DERIV", "OWN_DERIV", 0, contract_size=10)
    house = ClearingHouse({"FUT": future})

    def paid(day: date, price: str) -> list[Decimal]:
        return [one.amount for one in house.margin({"FUT": Decimal(price)}, day)]

    # The amendment comes before what it amends, and counts for nothing alone.
    house.see(deal(2, "AMEND", 3, "99.00"))
    assert paid(TUE, "101.00") == []
    # 3 at 99.00, closed at 100.50: 3 x 1.50 x 10 = 45.00, less 2.20.
    house.see(deal(1, "NEW", 2, "100.00"))
    assert paid(WED, "100.50") == [Decimal("42.80")]
    # 3 x -0.20 x 10. Nothing while the price stands.
    assert paid(THU, "100.30") == [Decimal("-6.00")]
    assert paid(THU, "100.30") == []
    # Cancelled, all that was paid goes back: 42.80 - 6.00.
    house.see(deal(3, "CANCEL", 3, "99.00"))
    assert paid(FRI, "120.00") == [Decimal("-36.80")]


EVENTS = in_order(
    [
        UnitEvent("1", "SPLIT", "S", "", TUE, TUE, Decimal(2)),
        UnitEvent("2", "RIGHTS_ISSUE", "S", "", WED, WED, ONE, "R", ONE),
        UnitEvent("3", "RIGHTS_EXERCISE", "R", "A", THU, FRI, NONE, "S", ONE, Decimal(-6)),
        UnitEvent("4", "RIGHTS_LAPSE", "R", "B", THU, THU, NONE),
        UnitEvent("5", "EXPIRY", "C", "", FRI, FRI, NONE),
        UnitEvent("6", "OPTION_EXERCISE", "C", "", FRI, FRI, NONE, "S", Decimal(100), Decimal(-5000)),
    ]
)


@pytest.mark.parametrize(
    ("account_id", "traded", "day", "delivered", "expected"),
    [
        # 10 become 20 and 20 rights; A buys 20 more with them, which are delivered a day later.
        ("A", MON, MON, False, {"S": 10}),
        ("A", MON, WED, False, {"S": 20, "R": 20}),
        ("A", MON, THU, False, {"S": 40}),
        ("A", MON, THU, True, {"S": 20, "R": 20}),
        ("A", MON, FRI, True, {"S": 40}),
        ("B", MON, THU, False, {"S": 20}),
        # Bought on the day of the split, in new units; bought on the day the rights are gone.
        ("A", TUE, WED, False, {"S": 10, "R": 10}),
        ("A", WED, FRI, False, {"S": 10}),
    ],
)
def test_units_become_what_events_make_of_them(account_id: str, traded: date, day: date, delivered: bool, expected: dict[str, int]) -> None:
    found: dict[str, Decimal] = {}
    for name, units in units_after(EVENTS, "S", account_id, Decimal(10), traded, day, delivered=delivered):
        found[name] = found.get(name, NONE) + units
    assert found == expected


def test_an_exercise_comes_before_what_is_left_expires_and_a_record_is_the_event() -> None:
    assert dict(units_after(EVENTS, "C", "A", Decimal(3), MON, FRI, delivered=False)) == {"S": 300}
    assert [recorded_event(one.record()) for one in EVENTS] == EVENTS


def test_the_bank_pays_events_by_what_is_known_and_then_what_is_learned() -> None:
    share = Instrument("S", "", "", "equity", "EUR", "XETR", "DE", "EQ_DE", "OWN_EQ_EU", 0)
    right = Instrument("R", "", "", "equity", "EUR", "XETR", "DE", "EQ_DE", "OWN_EQ_EU", 0)
    events = in_order(
        [
            UnitEvent("1", "RIGHTS_ISSUE", "S", "", TUE, TUE, ONE, "R", ONE),
            UnitEvent("2", "RIGHTS_EXERCISE", "R", "", WED, WED, NONE, "S", ONE, Decimal("-6.25")),
        ]
    )
    held = [Holding("EQ_DE", "OWN_EQ_EU", 0), Holding("EQ_DE", "OWN_EQ_EU", 1)]
    books = OwnBooks(held, [MON, TUE, WED, THU], Lines((share, right), events))
    books.book(0, 0, 100)
    books.book(1, 1, 20)  # rights bought when they were there
    paid = []
    for day_no in range(4):
        if day_no == 3:
            books.book(0, 0, 10)  # told on Thursday: bought on Monday
        paid += [(one.flow_date, one.amount) for one in books.event_cash(day_no)]
        books.take_stock(day_no)
    # 120 rights at 6.25; then 10 more.
    assert paid == [(WED, Decimal("-750.00")), (THU, Decimal("-62.50"))]
    # 110 + 110 + 20.
    assert books.positions.tolist() == [240, 0]


def test_money_is_lent_amended_and_comes_back_with_interest() -> None:
    treasury = Treasury(instruments([MON, TUE, WED, THU, FRI], 7), [MON, TUE, WED, THU, FRI], lambda _: ONE, 7)
    flows: list[CashFlow] = []
    deals: list[TradeEvent] = []
    for day_no in range(5):
        deals += treasury.trade_day(day_no)
        flows += treasury.cash(day_no)
    first_days = [(one.flow_date, one.currency_code, one.amount) for one in flows if one.flow_date < WED]
    # 5,000,000.00 placed on Monday turn out to be 5,500,000.00; twice 1,000,000.00 lent against bonds, on Monday without an end; dollars
    # borrowed. What is exchanged on Monday moves on Wednesday.
    assert first_days == [(MON, "EUR", -6_000_000), (TUE, "EUR", -1_500_000), (TUE, "USD", 2_000_000)]
    # By Friday: 5,500,000 x 1.98 % x 3 / 360 = 907.50; 1,000,000 x 2.16 % x 2 / 360 = 120.00; 1,900,000 x 2.16 % x 2 / 360 = 228.00 paid;
    # 1,000,000 x (2.16 % + 1.80 %) x 2 / 360 = 220.00.
    # All exchanges are at 1 here, but for what is dealt away from it.
    due = {"EUR": Decimal("1019.50"), "USD": Decimal(2_000_000), "GBP": NONE}
    cancelled = {one.trade_id for one in deals if one.event_type == "CANCEL"}
    latest = {one.trade_id: one for one in deals if one.trade_id not in cancelled and one.book_id == "FX"}
    for one in latest.values():
        is_due = one.instrument_id == f"EURUSD {FRI}" or (len(one.instrument_id) == 6 and one.trade_date <= str(WED))
        sign = 1 if one.side == "BUY" else -1
        if is_due:
            due[one.instrument_id[:3]] += sign * int(one.quantity)
            due[one.currency_code] -= sign * (int(one.quantity) * Decimal(one.price)).quantize(Decimal("0.01"))
    assert {name: sum(one.amount for one in flows if one.currency_code == name) for name in due} == due
    assert {one.event_type for one in deals} == {"NEW", "AMEND", "CANCEL"}


def test_spot_is_paid_when_the_banks_of_both_work() -> None:
    # Christmas and the day after are holidays of the euro and of sterling (London FX, value dates).
    dates = [date(2025, 12, 23), date(2025, 12, 29)]
    treasury = Treasury(instruments(dates, 7), dates, lambda _: ONE, 7)
    stated = {
        one.settlement_date
        for one in treasury.trade_day(0)
        if one.event_type == "NEW" and len(one.instrument_id) == 6 and one.settlement_date
    }
    assert stated == {"2025-12-29"}


def test_a_forward_costs_the_difference_of_interest() -> None:
    # 1.10 x (1 + 4.2 % x 91 / 360) / (1 + 2 % x 91 / 360) = 1.10 x 1.01061667 / 1.00505556 = 1.106086
    assert outright(Decimal("1.10"), "EUR", "USD", 91) == Decimal("1.10609")
    # Sterling counts 365 days: 0.87 x (1 + 3.8 % x 73 / 365) / (1 + 2 % x 73 / 360) = 0.87 x 1.0076 / 1.00405556 = 0.873071
    assert outright(Decimal("0.87"), "EUR", "GBP", 73) == Decimal("0.87307")
    # 1 / (1 + 4.2 % x 91 / 360) = 1 / 1.010616667 = 0.98949486
    assert discount_factor("USD", 91) == Decimal("0.98949486")


def instruction(
    name: str, instrument_id: str, quantity: int, trade_date: date, settlement_date: date, function: str = "RETN"
) -> Instruction:
    return Instruction(
        name, function, "", "A", instrument_id, Decimal(quantity), Decimal(-quantity), "EUR", trade_date, settlement_date, "CASH_OWN_EUR"
    )


def test_what_was_traded_before_an_event_settles_in_the_units_of_before() -> None:
    positions = {("A", "S"): Decimal(30)}
    custodian = Custodian(TUE, [MON, TUE], positions, {}, EVENTS[:1], {"C"})
    custodian.apply_events(MON)
    assert positions == {("A", "S"): 60}
    told = [
        instruction("1", "S", 100, MON, TUE),
        instruction("2", "S", -40, MON, TUE),
        # Of 60 + 200 - 80 = 180, 181 cannot be delivered; an option may be owed.
        instruction("3", "S", -181, TUE, TUE),
        instruction("4", "C", -5, MON, TUE),
    ]
    found = [(one.instruction.instruction_id, one.status, one.reason_code, one.quantity) for one in custodian.settle(told)]
    assert sorted(found) == [
        ("1", "SETTLED", "", 100), ("2", "SETTLED", "", -40), ("3", "FAILED", "LACK", 0), ("4", "SETTLED", "", -5),
    ]  # fmt: skip
    assert positions == {("A", "S"): 180, ("A", "C"): -5}


def test_a_premium_that_is_not_the_clearing_houses_does_not_match() -> None:
    option = Instrument("OPT", None, "", "option", "EUR", "XEUR", "DE", "DERIV", "A", 0, contract_size=100)
    house = ClearingHouse({"OPT": option})
    for version, event_type, price in ((1, "NEW", "4.15"), (2, "AMEND", "4.16")):
        house.see(deal(version, event_type, 2, price)._replace(account_id="A", instrument_id="OPT"))
    # 2 x 100 at 4.15 and 2.20 of fee; the amendment is 2.00 more.
    assert [(one.quantity, one.amount) for one in house.premiums] == [("2", "-832.20"), ("2", "-834.20")]
    premiums = frozenset((one.account_id, one.instrument_id, one.trade_date, one.quantity, one.amount) for one in house.premiums)
    told = instruction("OPT-1", "OPT", 2, MON, TUE, "NEWM")
    wrong, right = replace(told, amount=Decimal("-832.21")), replace(told, instruction_id="OPT-2", amount=Decimal("-832.2000"))
    custodian = Custodian(TUE, [MON, TUE], {}, {}, premiums=premiums)
    found = {one.instruction.instruction_id: (one.status, one.reason_code) for one in custodian.settle([wrong, right])}
    assert found == {"OPT-1": ("FAILED", "DMON"), "OPT-2": ("SETTLED", "")}
