"""Events that hold for one account or one part of a holding: scrip dividends, and options exercised by number.

The figures are worked out by hand beside each case.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, confirmed, rows, trade, value

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))


def event(event_id: str, instrument: str, kind: str, ex_date: date, **terms: object) -> dict[str, object]:
    return {
        "event_id": event_id, "instrument_id": instrument, "event_type": kind, "event_status": "ANNOUNCED", "ex_date": ex_date,
        "pay_date": ex_date, "currency_code": "USD",
    } | terms  # fmt: skip


def held(day: date, name: str, account: str, book: str = "B") -> tuple[object, ...]:
    found = rows(
        "select traded_quantity, cost_amount from marts.fct_positions where business_date = :day and instrument_id = :name"
        " and account_id = :account and book_id = :book",
        day=day, name=name, account=account, book=book,
    )  # fmt: skip
    return found[0] if found else (0, 0)


def settled(day: date, name: str, account: str) -> Decimal:
    found: Decimal = value(
        "select coalesce(sum(settled_quantity), 0) from marts.fct_positions where business_date = :day and instrument_id = :name"
        " and account_id = :account",
        day=day, name=name, account=account,
    )  # fmt: skip
    return found


def test_a_scrip_dividend_is_taken_by_the_accounts_that_elect_it() -> None:
    firm = SmallFirm(instruments=[{"instrument_id": "S"}], accounts=("A", "B", "C"))
    bought = [
        trade("1", MON, 110, "10", instrument_id="S"), trade("2", MON, 100, "10", instrument_id="S", account_id="B"),
        trade("3", MON, 40, "10", instrument_id="S", account_id="C"),
    ]  # fmt: skip
    firm.day(MON, bought, {"S": "10"})
    one_for_twenty = {"new_units": 21, "old_units": 20, "fraction_price": "9.60", "pay_date": THU}
    elections = [
        event("SCRIP-A", "S", "STOCK_DIVIDEND", TUE, account_id="A", **one_for_twenty),
        event("CASH-B", "S", "CASH_DIVIDEND", TUE, account_id="B", amount_per_unit="0.50", pay_date=THU),
    ]
    firm.day(TUE, [], {"S": "9.5"}, corporate_actions=elections, settlement_statuses=confirmed(TUE, "S"))
    # 110 become 115 and a half, which is paid 4.80 and cost 4.76 of 1,100.00.
    assert (held(TUE, "S", "A"), held(TUE, "S", "B"), held(TUE, "S", "C")) == ((115, Decimal("1095.24")), (100, 1000), (40, 400))
    assert rows("select account_id, gross_amount from marts.fct_income") == [("B", 50)]
    result = """select account_id, price_amount, corporate_actions_amount, income_amount, total_amount from marts.fct_profit_and_loss
        where business_date = :day and instrument_id = 'S' order by 1"""
    assert rows(result, day=TUE) == [
        # 115.5 at 9.50 less 1,100.00; half a unit of 9.50 for 4.80
        ("A", Decimal("-2.75"), Decimal("0.05"), 0, Decimal("-2.70")),
        ("B", -50, 0, 50, 0),
        ("C", -20, 0, 0, -20),
    ]
    # On Wednesday C elects too, and 10 more of Monday are told for A and for B.
    late = [trade("4", MON, 10, "10", instrument_id="S"), trade("5", MON, 10, "10", instrument_id="S", account_id="B")]
    firm.day(WED, late, {"S": "9.5"}, corporate_actions=[event("SCRIP-C", "S", "STOCK_DIVIDEND", TUE, account_id="C", **one_for_twenty)])
    # 120 become 126, and no fraction is paid; 110 are paid 55.00; 40 become 42.
    assert (held(WED, "S", "A"), held(WED, "S", "B"), held(WED, "S", "C")) == ((126, 1200), (110, 1100), (42, 400))
    assert rows("select sum(cash_amount), sum(fraction_quantity) from marts.fct_corporate_actions") == [(0, 0)]
    assert value("select sum(gross_amount) from marts.fct_income where account_id = 'B'") == 55
    assert rows(result, day=WED) == [
        # 10.5 at 9.50 for 100.00 late; the half unit comes back for 4.80
        ("A", 0, Decimal("-0.05"), 0, Decimal("-0.30")),
        ("B", 0, 0, 5, 0),
        ("C", 0, 19, 0, 19),
    ]
    # The custodian delivers on the pay date, also for what settles then.
    assert (settled(WED, "S", "A"), settled(WED, "S", "B"), settled(WED, "S", "C")) == (110, 100, 40)
    firm.day(THU, [], {"S": "9.5"}, settlement_statuses=confirmed(THU, "S"))
    assert (settled(THU, "S", "A"), settled(THU, "S", "B"), settled(THU, "S", "C")) == (126, 110, 42)
    assert value("select sum(cash_amount) from marts.fct_event_cash where account_id = 'B'") == 55
    # B changes its mind: the cash goes back, and 110 become 115 and a half.
    changed = [
        event("CASH-B", "S", "CASH_DIVIDEND", TUE, account_id="B", amount_per_unit="0.50", pay_date=THU, event_status="WITHDRAWN"),
        event("SCRIP-B", "S", "STOCK_DIVIDEND", TUE, account_id="B", **one_for_twenty),
    ]
    firm.day(FRI, [], {"S": "9.5"}, corporate_actions=changed)
    assert held(FRI, "S", "B") == (115, Decimal("1095.24"))
    assert rows("select business_date, sum(cash_amount) from marts.fct_event_cash group by 1 order by 1") == [
        (THU, 55), (FRI, Decimal("-50.20"))
    ]  # fmt: skip
    assert_books_tie()


def test_options_are_exercised_and_assigned_by_number() -> None:
    terms = {"product_line": "option", "market_mic": "CMES", "contract_size": 100, "expiry_date": "2026-03-20",
             "underlying_instrument_id": "S", "option_type": "CALL", "strike_price": 50}  # fmt: skip
    firm = SmallFirm(
        instruments=[{"instrument_id": "S"}, terms | {"instrument_id": "C50"}, terms | {"instrument_id": "K"}],
        books=("B", "C"), accounts=("A", "W"),
    )  # fmt: skip
    bought = [
        # 1,200.00 and 2,000.00 in B; another book holds in the same account
        trade("1", MON, 3, "4", instrument_id="C50"), trade("2", MON, 4, "5", instrument_id="C50"),
        trade("3", MON, 5, "4", instrument_id="C50", book_id="C"),
        trade("4", MON, -10, "4", instrument_id="C50", account_id="W"),
        trade("5", MON, 10, "6", instrument_id="K"),
    ]  # fmt: skip
    prices = {"S": "55", "C50": "5", "K": "7"}
    firm.day(MON, bought, prices)
    firm.day(TUE, [], prices, settlement_statuses=confirmed(TUE, "C50"))
    taken_up = event("EX-A", "C50", "OPTION_EXERCISE", WED, received_instrument_id="S", account_id="A", book_id="B", exercised_quantity=3)
    events = [
        taken_up,
        event("EX-W", "C50", "OPTION_EXERCISE", WED, received_instrument_id="S", account_id="W", book_id="B", exercised_quantity=4),
        event("EX-K", "K", "CASH_EXERCISE", WED, amount_per_unit="700", account_id="A", book_id="B", exercised_quantity=4),
    ]
    firm.day(WED, [], prices, corporate_actions=events)
    # The first 3 of 7 contracts take 1,200.00 of premium along: 300 shares at 50.00.
    assert (held(WED, "C50", "A"), held(WED, "S", "A")) == ((4, 2000), (300, 16200))
    assert held(WED, "C50", "A", "C") == (5, 2000)
    # 4 of 10 written: 400 shares are delivered at 50.00 and 4.00 of premium.
    assert (held(WED, "C50", "W"), held(WED, "S", "W")) == ((-6, -2400), (-400, -21600))
    # 4 of 10 for 6,000.00 are paid 2,800.00.
    assert held(WED, "K", "A") == (6, 3600)
    assert rows("select quantity, cost_amount, realised_amount from marts.fct_realised_results where instrument_id = 'K'") == [
        (4, 2400, 400)
    ]
    cash = "select instrument_id, sum(cash_amount) from marts.fct_event_cash where business_date = :day group by 1"
    assert dict(rows(cash, day=WED)) == {"S": -15000 + 20000, "K": 2800}
    # 4 and 5 are left of the 7 and 5 that had settled, and what was delivered is there.
    assert (settled(WED, "C50", "A"), settled(WED, "S", "A"), settled(WED, "C50", "W"), settled(WED, "S", "W")) == (9, 300, -6, -400)
    # 7 more of Monday for 2,800.00, told on Thursday: still the same 3 contracts.
    firm.day(THU, [trade("6", MON, 7, "4", instrument_id="C50")], prices)
    assert (held(THU, "C50", "A"), held(THU, "S", "A")) == ((11, 4800), (300, 16200))
    # It were 5, two of the second lot; and of the other more than all.
    changed = [{**taken_up, "exercised_quantity": 5}, {**events[2], "exercised_quantity": 40}]
    firm.day(FRI, [], prices, corporate_actions=changed)
    assert (held(FRI, "C50", "A"), held(FRI, "S", "A")) == ((9, 3800), (500, 27200))
    assert (settled(FRI, "C50", "A"), settled(FRI, "S", "A")) == (2 + 5, 500)
    assert held(FRI, "K", "A") == (0, 0)
    assert dict(rows(cash, day=FRI)) == {"S": -10000, "K": 4200}
    assert_books_tie()
