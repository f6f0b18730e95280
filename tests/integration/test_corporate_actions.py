"""Events that pay, redeem and turn one instrument into another: cost is kept, what economics call no result is none, the bridge closes.

The figures are worked out by hand beside each case; BV-05 and BV-34 are public bug reports (capital-gains-calculator PR 1125, Lean 9782).
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, tripped, value

from posttrade.offices.derivations import run_dbt

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU = (date(2026, 1, day) for day in (5, 6, 7, 8))
POSITION = """select traded_quantity, cost_amount from marts.fct_positions
    where business_date = :day and instrument_id = :name and account_id = :account"""
RESULT = "select {} from marts.fct_profit_and_loss where business_date = :day and instrument_id = :name"


def event(name: str, kind: str, ex_date: date, **terms: object) -> dict[str, object]:
    return {
        "event_id": f"{name}-{kind}", "instrument_id": name, "event_type": kind, "event_status": "ANNOUNCED", "ex_date": ex_date,
        "pay_date": ex_date, "currency_code": "USD",
    } | terms  # fmt: skip


def held(day: date, name: str, account: str = "A") -> tuple[object, ...]:
    found = rows(POSITION, day=day, name=name, account=account)
    return found[0] if found else (0, 0)


def lots(day: date, name: str) -> list[tuple[object, ...]]:
    return rows(
        "select opened_date, open_quantity, cost_amount from marts.fct_lots where business_date = :day and instrument_id = :name"
        " and account_id = 'A' order by 1, 2",
        day=day,
        name=name,
    )


def test_each_event_keeps_cost_and_leaves_no_result_where_there_is_none() -> None:
    names = ("REV", "FOO", "BAR", "TGT", "ACQ", "OLD", "RGT", "BND", "PAR")
    firm = SmallFirm(
        instruments=[{"instrument_id": name} for name in names],
        accounts=("A", "A2"),
    )
    lot_methods = [{"account_id": "A", "valid_from": "2000-01-01", "lot_method": "LIFO"}]
    bought = [
        trade("1", MON, 60, "10", instrument_id="REV"), trade("2", MON, 40, "11", instrument_id="REV"),
        trade("3", MON, 10, "10", instrument_id="FOO"),
        trade("4", MON, 100, "20", instrument_id="TGT"), trade("5", MON, 10, "15", instrument_id="ACQ"),
        trade("6", MON, 100, "10", instrument_id="OLD"), trade("7", MON, 40, "10", instrument_id="OLD", account_id="A2"),
        trade("8", MON, 1000, "0.99", instrument_id="BND"), trade("9", MON, 900, "0.98", instrument_id="PAR"),
        trade("10", MON, -3, "10", instrument_id="REV", account_id="A2"),
    ]  # fmt: skip
    prices = {"REV": "10", "FOO": "10", "BAR": "1", "TGT": "20", "ACQ": "24", "OLD": "10", "BND": "1.01", "PAR": "1.00"}
    firm.day(MON, bought, prices, lot_methods=lot_methods)
    events = [
        # 100 for 1,040.00 become 33 and a third, which is paid at 30.00. Of a short 3, 1 is left.
        event("REV", "REVERSE_SPLIT", TUE, new_units=1, old_units=3, fraction_price="30.00"),
        event("FOO", "SPIN_OFF", TUE, received_instrument_id="BAR", new_units=1, old_units=1, cost_fraction="0.1"),
        event(
            "TGT", "MERGER", TUE, received_instrument_id="ACQ", new_units=1, old_units=2, amount_per_unit="8.00", cost_fraction="0.6",
            pay_date=WED,
        ),
        event("OLD", "RIGHTS_ISSUE", TUE, received_instrument_id="RGT", new_units=1, old_units=4, cost_fraction="0.05"),
        event("BND", "CALL", TUE, amount_per_unit="1.01"),
        event("PAR", "PARTIAL_REDEMPTION", TUE, amount_per_unit="1.00", redeemed_fraction="0.333333333333"),
    ]  # fmt: skip
    # BV-05: 5 BAR bought and sold on the day of the spin-off at 10.00; its price is the 10.00 the report trades at.
    traded = [trade("11", TUE, 5, "10", instrument_id="BAR"), trade("12", TUE, -5, "10", instrument_id="BAR")]
    after = {"REV": "30", "FOO": "9", "BAR": "1", "TGT": "20", "ACQ": "24", "OLD": "9.5", "RGT": "2", "BND": "1.01", "PAR": "1.00"}
    firm.day(TUE, traded, after, corporate_actions=events)

    # 1,040.00 for 33.3333333333: the lot of 40, bought last, became 13 and a third and gives the third, for a cost of 11.00 that is
    # sold at 10.00.
    assert (held(TUE, "REV"), held(TUE, "REV", "A2")) == ((33, 1029), (-1, -30))
    assert lots(TUE, "REV") == [(MON, 13, 429), (MON, 20, 600)]
    assert rows(
        "select account_id, entitled_quantity, quantity_change, fraction_quantity, cash_amount from marts.fct_corporate_actions"
        " where event_id = 'REV-REVERSE_SPLIT' order by 1"
    ) == [("A", 100, -67, Decimal("0.3333333333"), Decimal("10.00")), ("A2", -3, 2, 0, 0)]
    assert value("select sum(realised_amount) from marts.fct_realised_results where instrument_id = 'REV'") == -1

    assert (held(TUE, "FOO"), held(TUE, "BAR")) == ((10, Decimal("90.00")), (10, Decimal("10.00")))
    assert value("select coalesce(sum(realised_amount), 0) from marts.fct_realised_results where instrument_id in ('FOO', 'BAR')") == 0

    # 2,000.00 of cost: 1,200.00 go to 50 ACQ, 800.00 stand against 800.00 in cash.
    assert (held(TUE, "TGT")[0], held(TUE, "ACQ")) == (0, (60, Decimal("1350.00")))
    assert rows("select quantity, proceeds_amount, realised_amount from marts.fct_realised_results where instrument_id = 'TGT'") == [
        (100, 800, 0)
    ]
    assert (held(TUE, "OLD"), held(TUE, "OLD", "A2")) == ((100, 950), (40, 380))
    assert (held(TUE, "RGT"), held(TUE, "RGT", "A2")) == ((25, 50), (10, 20))
    assert (held(TUE, "BND")[0], value("select realised_amount from marts.fct_realised_results where instrument_id = 'BND'")) == (0, 20)
    # A third of 900: 299.9999999997 are paid 300.00 and stood at 294.00.
    assert held(TUE, "PAR") == (Decimal("600.0000000003"), 588)
    assert rows("select cost_amount, proceeds_amount from marts.fct_realised_results where instrument_id = 'PAR'") == [(294, 300)]

    # Old and new together gained nothing: 10 at 10.00 are 10 at 9.00 and 10 at 1.00, and so on.
    totals = dict(
        rows("select instrument_id, sum(total_amount) from marts.fct_profit_and_loss where business_date = :day group by 1", day=TUE)
    )
    assert totals["REV"] == 0 and totals["BND"] == 0 and totals["PAR"] == 0
    assert totals["FOO"] + totals["BAR"] == 0 and totals["TGT"] + totals["ACQ"] == 0 and totals["OLD"] + totals["RGT"] == 0
    # What an event moved is seen where it moved it.
    assert value(RESULT.format("net_cash_in_amount"), day=TUE, name="FOO") == -10
    assert value(RESULT.format("net_cash_in_amount"), day=TUE, name="TGT") == -2000
    assert value("select balance_amount from marts.rpt_trial_balance where business_date = :day and gl_account = 'securities_in_transfer'"
                 " and balance_amount <> 0 union all select 0 limit 1", day=TUE) == 0  # fmt: skip

    # One account takes its rights up at 6.00, the other lets them go; the merger's cash arrives.
    elections = [
        event(
            "RGT", "RIGHTS_EXERCISE", WED, received_instrument_id="OLD", new_units=1, old_units=1, amount_per_unit="6.00", account_id="A"
        ),
        event("RGT", "RIGHTS_LAPSE", WED, account_id="A2"),
    ]
    firm.day(WED, [], after, corporate_actions=elections)
    assert (held(WED, "OLD"), held(WED, "OLD", "A2")) == ((125, 1150), (40, 380))
    assert lots(WED, "OLD") == [(MON, 25, 200), (MON, 100, 950)]
    assert value("select sum(traded_quantity) from marts.fct_positions where business_date = :day and instrument_id = 'RGT'", day=WED) == 0
    assert value("select sum(realised_amount) from marts.fct_realised_results where instrument_id = 'RGT'") == -20
    assert value("select sum(amount) from ledger.journal_lines where gl_account = 'cash' and instrument_id = 'TGT'") == 800
    assert_books_tie()


def test_an_event_that_comes_late_is_amended_and_withdrawn_is_explained_in_the_open_date() -> None:
    firm = SmallFirm(base="EUR", instruments=[{"instrument_id": "FOO"}, {"instrument_id": "BAR", "currency_code": "EUR"}])
    rate = {"USD": "0.90"}
    prices = {"FOO": "10", "BAR": "2"}
    spin_off = event("FOO", "SPIN_OFF", TUE, received_instrument_id="BAR", new_units=1, old_units=2, cost_fraction="0.25")
    # BV-34: 3 shares, consolidated 1 for 2, the half paid at 20.00 in USD.
    halved = event("FOO", "REVERSE_SPLIT", THU, new_units=1, old_units=2, fraction_price="20.00")
    fri, next_mon = date(2026, 1, 9), date(2026, 1, 12)
    firm.day(MON, [trade("1", MON, 2, "10", instrument_id="FOO")], prices, rate)
    firm.day(TUE, [], prices, {"USD": "0.95"})
    assert held(TUE, "FOO") == (2, 20)
    # Told a day late, it counts at the rates of its ex date: a quarter of 20.00 USD is 5.00 at 0.95, 4.75 EUR of cost; the
    # base cost moved is a quarter of what it was, 4.50.
    firm.day(WED, [], prices, rate, corporate_actions=[spin_off])
    assert (held(WED, "FOO"), held(WED, "BAR")) == ((2, 15), (1, Decimal("4.75")))
    assert rows("select cost_amount_base from marts.fct_positions where business_date = :day and instrument_id = 'BAR'", day=WED) == [
        (Decimal("4.50"),)
    ]
    # A purchase of before the spin-off, told on the day of the consolidation: 1 more FOO, half a BAR. 3 FOO are 1 and a half.
    firm.day(THU, [trade("2", MON, 1, "10", instrument_id="FOO")], {"FOO": "20", "BAR": "2"}, rate, corporate_actions=[halved])
    assert (held(THU, "FOO")[0], held(THU, "BAR")[0]) == (1, Decimal("1.5"))
    assert value("select sum(cash_amount_base) from marts.fct_corporate_actions where event_id = 'FOO-REVERSE_SPLIT'") == 9
    # Its terms are amended: two fifths of the cost went. Then it never was.
    firm.day(fri, [], {"FOO": "20", "BAR": "2"}, rate, corporate_actions=[{**spin_off, "cost_fraction": "0.4"}])
    assert value("select sum(cost_amount) from marts.fct_lots where business_date = :day and instrument_id = 'BAR'", day=fri) == Decimal(
        "11.40"
    )
    firm.day(next_mon, [], {"FOO": "20", "BAR": "2"}, rate, corporate_actions=[{**spin_off, "event_status": "WITHDRAWN"}])
    assert held(next_mon, "BAR")[0] == 0
    assert value("select sum(quantity_change) from marts.fct_corporate_actions where instrument_id = 'BAR'") == 0
    assert value("select sum(cost_moved_amount_base) from marts.fct_corporate_actions") == 0
    # What was reported of the closed dates still stands.
    assert held(WED, "BAR") == (1, Decimal("4.75"))
    assert_books_tie()


def test_a_bond_is_repaid_by_its_terms_and_an_open_trade_settles_in_new_units() -> None:
    bond = {
        "instrument_id": "BND", "product_line": "bond_fixed", "coupon_rate": "5", "coupon_frequency": 1, "day_count": "ACT/ACT ICMA",
        "issue_date": "2024-01-08", "maturity_date": "2026-01-08",
    }  # fmt: skip
    amortising = bond | {"instrument_id": "AMO", "product_line": "bond_amortising", "maturity_date": "2028-01-08"}
    plan = [
        {"instrument_id": "AMO", "repayment_date": day, "repaid_percent": percent}
        for day, percent in (("2025-01-08", 20), ("2026-01-08", 20), ("2027-01-08", 30), ("2028-01-08", 30))
    ]
    firm = SmallFirm(instruments=[{"instrument_id": "S"}, bond, amortising])
    bought = [
        trade("1", MON, 100, "20", instrument_id="S"), trade("2", MON, 1000, "99.50", instrument_id="BND"),
        # 100.00 of what was issued as 1,000.00 less 20 %: 800.00 are outstanding
        trade("3", MON, 800, "100", instrument_id="AMO"),
    ]  # fmt: skip
    prices = {"S": "20", "BND": "100", "AMO": "100"}
    firm.day(MON, bought, prices, bond_repayments=plan)
    firm.day(TUE, [trade("4", TUE, 10, "10", instrument_id="S")], prices | {"S": "10"}, corporate_actions=[
        event("S", "SPLIT", TUE, new_units=2, old_units=1)
    ])  # fmt: skip
    assert (held(TUE, "S")[0], value("select settled_quantity from marts.fct_positions where business_date = :day and instrument_id = 'S'",
                                     day=TUE)) == (210, 0)  # fmt: skip
    # The 100 of before the split and the 10 of after it are confirmed on the same day, as instructed.
    statuses = [
        {"status_id": f"S{trade_id}", "instruction_id": instruction, "status": "SETTLED", "status_date": WED, "settled_quantity": quantity,
         "settled_amount": amount}
        for trade_id, instruction, quantity, amount in rows(
            "select trade_id, instruction_id, quantity, amount from operations.settlement_instructions where instrument_id = 'S'"
        )
    ]  # fmt: skip
    # Who trades on Wednesday settles on Thursday, when both bonds repay: they are ex.
    firm.day(WED, [], prices | {"S": "10"}, settlement_statuses=statuses)
    assert value("select settled_quantity from marts.fct_positions where business_date = :day and instrument_id = 'S'", day=WED) == 210
    assert (held(WED, "BND")[0], held(WED, "AMO")) == (0, (600, 600))
    repaid = "select event_type, quantity_change, cash_amount, pay_date from marts.fct_corporate_actions where instrument_id = :name"
    assert rows(repaid, name="BND") == [("REDEMPTION", -1000, 1000, THU)]
    assert rows(repaid, name="AMO") == [("PARTIAL_REDEMPTION", -200, 200, THU)]
    assert value("select realised_amount from marts.fct_realised_results where instrument_id = 'BND'") == 5
    cash = "select coalesce(sum(amount), 0) from ledger.journal_lines where gl_account = 'cash' and instrument_id = :name"
    assert value(cash, name="BND") == 0
    firm.day(THU, [], prices | {"S": "10"})
    # 1,000.00 and a coupon of 50.00; 200.00 and 40.00 on the 800.00 that were outstanding.
    assert (value(cash, name="BND"), value(cash, name="AMO")) == (1050, 240)
    # Bought at 99.50 with 363 of 365 days accrued, 49.73: 5.00 on the price and 0.27 of interest.
    assert value("select sum(total_amount) from marts.fct_profit_and_loss where instrument_id = 'BND'") == Decimal("5.27")
    assert_books_tie()


def test_events_follow_one_another_and_reach_what_another_event_delivered() -> None:
    names = ("OLD", "RGT", "Z", "Y", "X", "FOO", "BAR", "S", "T", "Q", "L")
    firm = SmallFirm(instruments=[{"instrument_id": name} for name in names])
    bought = [
        trade("1", MON, 100, "10", instrument_id="OLD"), trade("2", MON, 100, "10", instrument_id="Z"),
        trade("3", MON, 10, "10", instrument_id="FOO"), trade("4", MON, 100, "10", instrument_id="S"),
        trade("5", MON, 10, "10", instrument_id="T"),
    ]  # fmt: skip
    prices = {"OLD": "10", "RGT": "2", "Z": "10", "Y": "10", "X": "10", "FOO": "5", "BAR": "5", "S": "5", "T": "10", "Q": "5", "L": "10"}
    firm.day(MON, bought, prices)
    one_for_one = {"new_units": 1, "old_units": 1}
    gone_ex = [
        event("OLD", "RIGHTS_ISSUE", TUE, received_instrument_id="RGT", new_units=1, old_units=4, cost_fraction="0"),
        # Z becomes Y and Y becomes X on the same day.
        event("Y", "MERGER", TUE, received_instrument_id="X", **one_for_one),
        event("Z", "MERGER", TUE, received_instrument_id="Y", **one_for_one),
        event("FOO", "SPIN_OFF", TUE, received_instrument_id="BAR", cost_fraction="0.5", **one_for_one),
        event("T", "MERGER", TUE, received_instrument_id="Q", new_units=2, old_units=1),
        event("L", "SPLIT", TUE, new_units=2, old_units=1),
    ]
    # 10 L of the day before its split, told on the day: 20 at 5.00 are what was paid, and nothing was gained or corrected.
    late = [trade("6", MON, 10, "10", instrument_id="L")]
    firm.day(TUE, late, {**prices, "L": "5"}, corporate_actions=gone_ex)
    assert (held(TUE, "Z"), held(TUE, "Y")[0], held(TUE, "X")) == ((0, 0), 0, (100, 1000))
    assert rows(RESULT.format("late_trades_amount, corporate_actions_amount, total_amount"), day=TUE, name="L") == [(0, 0, 0)]
    # BAR splits, and S split on Tuesday: both are told on Thursday. S and Q pay 1.00 for what is held at Tuesday's close.
    paying = [
        event(name, "CASH_DIVIDEND", WED, amount_per_unit="1.00", pay_date=date(2026, 1, 9)) for name in ("S", "Q")
    ]  # fmt: skip
    firm.day(WED, [], {**prices, "BAR": "2.5", "L": "5"}, corporate_actions=paying)
    income = "select coalesce(sum(gross_amount), 0) from marts.fct_income where instrument_id = :name"
    assert (value(income, name="S"), value(income, name="Q")) == (100, 20)
    told_late = [
        event("BAR", "SPLIT", WED, new_units=2, old_units=1), event("S", "SPLIT", TUE, new_units=2, old_units=1),
        event("RGT", "RIGHTS_EXERCISE", WED, received_instrument_id="OLD", amount_per_unit="6.00", **one_for_one),
    ]  # fmt: skip
    more = [trade("7", MON, 5, "10", instrument_id="T")]
    firm.day(THU, more, {**prices, "BAR": "2.5", "L": "5"}, corporate_actions=told_late)
    assert (held(THU, "BAR"), held(THU, "S"), held(THU, "Q")[0]) == ((20, 50), (200, 1000), 30)
    assert (held(THU, "RGT")[0], held(THU, "OLD")) == (0, (125, 1150))
    # 200 S and 30 Q were entitled after all.
    assert (value(income, name="S"), value(income, name="Q")) == (200, 30)
    assert len(run_dbt(["test", "--select", "what_changed_leads_to_the_trades_in_force"], THU).results) == 1
    assert_books_tie()


def test_a_spin_off_shows_no_fall_of_the_price_and_what_it_moved_at_either_instrument() -> None:
    usd, eur = {"currency_code": "USD"}, {"currency_code": "EUR"}
    firm = SmallFirm(
        base="EUR",
        instruments=[{"instrument_id": name} | usd for name in ("FOO", "BAR", "GOO", "OLD", "RGT", "Z", "Y", "X", "W")]
        + [{"instrument_id": "CAR"} | eur],
    )
    names = ("FOO", "GOO", "OLD", "Z", "X")
    bought = [trade(name, MON, 10, "5", instrument_id=name) for name in names]
    firm.day(MON, bought, dict.fromkeys(names, "10"), {"USD": "0.90"})
    events = [
        event("FOO", "SPIN_OFF", TUE, received_instrument_id="BAR", new_units=1, old_units=2, cost_fraction="0.1"),
        event("GOO", "SPIN_OFF", TUE, received_instrument_id="CAR", new_units=1, old_units=1, cost_fraction="0.2"),
        event("OLD", "RIGHTS_ISSUE", TUE, received_instrument_id="RGT", new_units=1, old_units=5, cost_fraction="0.1"),
        # Z brings Y and is split then; X is split, and brings W then
        event("Z", "SPIN_OFF", TUE, event_id="Z-1", received_instrument_id="Y", new_units=1, old_units=1, cost_fraction="0.5"),
        event("Z", "SPLIT", TUE, event_id="Z-2", new_units=2, old_units=1),
        event("X", "SPLIT", TUE, event_id="X-1", new_units=2, old_units=1),
        event("X", "SPIN_OFF", TUE, event_id="X-2", received_instrument_id="W", new_units=1, old_units=1, cost_fraction="0.5"),
    ]
    # The rights have no price yet. 2 GOO of Monday are told on Tuesday.
    after = {"FOO": "9.20", "BAR": "1.50", "GOO": "8.10", "CAR": "1.71", "OLD": "9.60", "Z": "4.50", "Y": "1.00", "X": "4.50", "W": "0.50"}
    late = [trade("late", MON, 2, "6", instrument_id="GOO")]
    firm.day(TUE, late, after, {"USD": "0.95"}, corporate_actions=events)
    found = {
        name: (figures[:4], figures[4:])
        for name, *figures in rows(
            "select instrument_id, price_amount, late_trades_amount, corporate_actions_amount, total_amount, price_amount_base,"
            " late_trades_amount_base, corporate_actions_amount_base from marts.fct_profit_and_loss where business_date = :day",
            day=TUE,
        )
    }
    local = {name: [str(figure.normalize()) for figure in figures] for name, (figures, _) in found.items()}
    base = {name: [str(figure.normalize()) for figure in figures] for name, (_, figures) in found.items()}
    # 100.00 were 92.00 and 5 BAR of 7.50. The old one gave 7.50 for a cost of 5.00, the new one is worth 7.50 and cost 5.00.
    assert (local["FOO"], local["BAR"]) == (["-0.5", "0", "-2.5", "-3"], ["0", "0", "2.5", "2.5"])
    # At 0.95: 94.52 and 95.00 of value before; 87.40 after, for a cost of 4.50 in EUR; 7.12 for 4.50.
    assert (base["FOO"], base["BAR"]) == (["-0.48", "0", "-2.62"], ["0", "0", "2.62"])
    # 1.71 EUR are 1.80 USD: 99.00 of 100.00. 2 more for 12.00 are worth 19.80. 12 bring 12 CAR of 21.60 USD for a fifth of 62.00.
    assert (local["GOO"], local["CAR"]) == (["-1", "7.8", "-9.2", "-2.4"], ["0", "0", "8.74", "8.74"])
    # 94.05; 112.86, of which 10.80 were paid at Monday's rate; 92.34 for 11.16 of cost. 20.52 for 11.16.
    assert (base["GOO"], base["CAR"]) == (["-0.95", "8.01", "-9.36"], ["0", "0", "9.36"])
    # What has no price stands at the cost it took, and the old one shows the fall of its price.
    assert (local["OLD"], local["RGT"]) == (["-4", "0", "5", "1"], ["0", "0", "0", "0"])
    # 20 at 4.50 and 10 Y at 1.00; 20 at 4.50 and 20 W at 0.50. Half of 50.00 went.
    assert (local["Z"], local["Y"]) == (["0", "0", "15", "15"], ["0", "0", "-15", "-15"])
    assert (local["X"], local["W"]) == (["0", "0", "15", "15"], ["0", "0", "-15", "-15"])
    assert_books_tie()


def test_a_price_that_follows_an_event_is_no_outlier_and_one_that_does_not_is() -> None:
    """A share may move by 20 % in a day; what the event brought is counted with it."""
    names = ("SPLIT", "KEPT", "SPUN", "NEW", "ISSUER", "RIGHT", "PAYER", "FALLEN")
    firm = SmallFirm(
        base="EUR", instruments=[{"instrument_id": name} for name in names] + [{"instrument_id": "ABROAD", "currency_code": "EUR"}]
    )
    quoted = ("SPLIT", "KEPT", "SPUN", "ISSUER", "PAYER", "FALLEN")
    firm.day(MON, [], dict.fromkeys(quoted, "20"), {"USD": "0.50"})
    events = [
        event("SPLIT", "SPLIT", TUE, new_units=2, old_units=1),
        event("KEPT", "SPLIT", TUE, new_units=2, old_units=1),
        # One share of 3.00 for one, and one of 2.00 euro, which are 4.00 dollars, for two: 3.00 + 2.00.
        event("SPUN", "SPIN_OFF", TUE, received_instrument_id="NEW", new_units=1, old_units=1, cost_fraction="0.1"),
        event("SPUN", "SPIN_OFF", TUE, received_instrument_id="ABROAD", new_units=1, old_units=2, cost_fraction="0.1")
        | {"event_id": "SPUN-ABROAD"},
        event("ISSUER", "RIGHTS_ISSUE", TUE, received_instrument_id="RIGHT", new_units=1, old_units=1, cost_fraction="0"),
        event("PAYER", "SPECIAL_DIVIDEND", TUE, amount_per_unit="6"),
        # For one account, it is no event of the price.
        event("FALLEN", "SPECIAL_DIVIDEND", TUE, amount_per_unit="6", account_id="A"),
    ]
    # KEPT stands as before its split: twice as much.
    after = {
        "SPLIT": "10",
        "KEPT": "20",
        "SPUN": "15",
        "NEW": "3",
        "ABROAD": "2",
        "ISSUER": "15",
        "RIGHT": "5",
        "PAYER": "14",
        "FALLEN": "14",
    }
    firm.day(TUE, [], after, {"USD": "0.50"}, corporate_actions=events)
    assert tripped("price_outlier", TUE) == {"KEPT", "FALLEN"}
    # A day later they are prices like others.
    firm.day(WED, [], after | {"SPLIT": "13"}, {"USD": "0.50"})
    assert tripped("price_outlier", WED) == {"SPLIT"}


def test_what_is_traded_on_saturday_is_new_and_free_of_what_goes_ex_on_sunday() -> None:
    """Friday 100 of each at 10.00. W: on Saturday 10 are sold at 11.00, on Sunday one becomes two, on Monday 20 new ones are sold at 6.00
    and close at 5.50. FOO: on Saturday 10 are bought at 10.50, on Sunday each brings a BAR with 0.4 of its cost; they close at 6.00 and
    4.20."""
    friday, saturday, sunday, monday = (date(2026, 1, day) for day in (9, 10, 11, 12))
    firm = SmallFirm(instruments=[{"instrument_id": name} for name in ("W", "FOO", "BAR")])
    bought = [trade("1", friday, 100, "10", instrument_id="W"), trade("4", friday, 100, "10", instrument_id="FOO")]
    firm.day(friday, bought, {"W": "10", "FOO": "10"})
    sold = [trade("2", saturday, -10, "11", instrument_id="W"), trade("3", monday, -20, "6", instrument_id="W")]
    events = [
        event("W", "SPLIT", sunday, new_units=2, old_units=1),
        event("FOO", "SPIN_OFF", sunday, received_instrument_id="BAR", new_units=1, old_units=1, cost_fraction="0.4"),
    ]
    after = {"W": "5.50", "FOO": "6", "BAR": "4.20"}
    firm.day(monday, [*sold, trade("5", saturday, 10, "10.50", instrument_id="FOO")], after, corporate_actions=events)
    columns = "price_amount, new_trades_amount, late_trades_amount, corporate_actions_amount, total_amount, realised_amount"
    # price: 200 x 5.50 - 1,000.00. New: 110.00 - 20 x 5.50 of Saturday, 120.00 - 20 x 5.50 of Monday. Realised: 230.00 for 200.00 of cost.
    assert rows(RESULT.format(columns), day=monday, name="W") == [(100, 0 + 10, 0, 0, 110, 30)]
    assert held(monday, "W") == (160, 800)
    # price: 100 x (6.00 + 4.20) - 1,000.00. New: 10 x 10.20 - 105.00. 110 BAR of 462.00 went for 0.4 of 1,105.00, which is 442.00.
    assert rows(RESULT.format(columns), day=monday, name="FOO") == [(20, -3, 0, -20, -3, 0)]
    assert rows(RESULT.format(columns), day=monday, name="BAR") == [(0, 0, 0, 20, 20, 0)]
    assert_books_tie()


def test_an_instrument_that_an_event_brought_keeps_its_currency() -> None:
    """Nobody traded BAR: a spin-off delivered 100 on a closed date, with 0.4 of the cost of 1,000.00."""
    firm = SmallFirm(instruments=[{"instrument_id": "FOO"}, {"instrument_id": "BAR"}])
    firm.day(MON, [trade("1", MON, 100, "10", instrument_id="FOO")], {"FOO": "10"}, {"EUR": "0.50"})
    spin_off = event("FOO", "SPIN_OFF", TUE, received_instrument_id="BAR", new_units=1, old_units=1, cost_fraction="0.4")
    firm.day(TUE, [], {"FOO": "6", "BAR": "4"}, {"EUR": "0.50"}, corporate_actions=[spin_off])
    told = {
        "instrument_id": "BAR", "name": "BAR", "product_line": "equity", "currency_code": "EUR", "market_mic": "XNYS",
        "issuer_country_code": "US",
    }  # fmt: skip
    firm.day(WED, [], {"FOO": "6", "BAR": "4"}, {"EUR": "0.50"}, instruments=[told])
    assert rows("select reason_code, field, value from operations.exceptions") == [("IN_THE_BOOKS", "currency_code", "EUR")]
    held_of_bar = "select currency_code, traded_quantity, cost_amount_base, market_value_amount_base from marts.fct_positions"
    assert rows(f"{held_of_bar} where business_date = :day and instrument_id = 'BAR'", day=WED) == [("USD", 100, 400, 400)]
    assert_books_tie()
