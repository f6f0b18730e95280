"""Whatever becomes known late is corrected in the open date, and told beside what the closed dates reported.

The figures are worked out by hand beside each case.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from itertools import product

import pytest
from integration.conftest import STEPS
from integration.recorded_dbt import recorded_dbt
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from posttrade.errors import PosttradeError
from posttrade.offices import front_office
from posttrade.offices.business_days import close_business_date
from posttrade.offices.derivations import run_dbt
from posttrade.records.book_states import FACTS, Step
from posttrade.records.database import Role, engine

MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
NEXT_MON = date(2026, 1, 12)


@pytest.fixture(autouse=True)
def explained_books(fresh_database: str) -> Iterator[None]:  # noqa: ARG001
    """Whatever was learned: the bridge is closed, and reported and learned lead to what is in force."""
    yield
    assert_books_tie()
    last = value("select max(business_date) from operations.day_closings")
    for test in ("what_changed_leads_to_the_trades_in_force", "value_change_is_explained"):
        assert len(run_dbt(["test", "--select", test], last).results) == 1


def event(name: str, kind: str, ex_date: date, **terms: object) -> dict[str, object]:
    return {
        "event_id": name, "instrument_id": name, "event_type": kind, "event_status": "ANNOUNCED", "ex_date": ex_date,
        "pay_date": FRI, "currency_code": "USD",
    } | terms  # fmt: skip


def learned(day: date, name: str, book: str = "B") -> list[tuple[object, ...]]:
    """What a date learned of an instrument: closed date, what explains it, change of quantity, value and result, base currency."""
    return rows(
        "select figure_date, event_type, event_id, changed_quantity, market_value_amount_base, total_amount_base"
        " from marts.rpt_what_changed where business_date = :day and instrument_id = :name and book_id = :book"
        " order by figure_date, step_no",
        day=day, name=name, book=book,
    )  # fmt: skip


def wealth_known_now(day: date, book: str) -> Decimal:
    """The result of a book on a closed date as known now, all instruments and claims together, base currency."""
    return Decimal(
        value(
            "select (select sum(total_amount_base) from marts.fct_profit_and_loss where business_date <= :day and book_id = :book)"
            " + (select coalesce(sum(total_amount_base), 0) from marts.rpt_what_changed where figure_date = :day and book_id = :book)",
            day=day, book=book,
        )
    )  # fmt: skip


def test_an_ex_date_that_is_moved_over_closed_dates_is_told_at_each_of_them() -> None:
    splits, dividends = ("LATER", "EARLIER", "COMING", "TODAY"), ("DLATER", "DEARLIER", "DCOMING")
    names = (*splits, *dividends, "MRG")
    firm = SmallFirm(instruments=[{"instrument_id": name} for name in names])

    def announced(**ex_dates: date) -> list[dict[str, object]]:
        terms: dict[str, tuple[str, dict[str, object]]] = {
            **dict.fromkeys(splits, ("SPLIT", {"new_units": 2, "old_units": 1})),
            **dict.fromkeys(dividends, ("CASH_DIVIDEND", {"amount_per_unit": "0.50"})),
            "MRG": ("MERGER", {"amount_per_unit": "12.00"}),
        }
        return [event(name, terms[name][0], day, **terms[name][1]) for name, day in ex_dates.items()]

    tens = dict.fromkeys(names, "10")
    halves = {**tens, **dict.fromkeys(splits, "5"), "MRG": "11"}
    firm.day(MON, [trade(name, MON, 100, "10", instrument_id=name) for name in names], tens)
    # 20 of each dividend's shares are sold on Tuesday: 100 were held at Monday's close, 80 at Tuesday's.
    sold = [trade(f"S{name}", TUE, -20, "10", instrument_id=name) for name in ("DLATER", "DEARLIER")]
    on_tuesday = announced(LATER=TUE, COMING=TUE, TODAY=TUE, DLATER=TUE, DCOMING=TUE, MRG=TUE)
    firm.day(TUE, sold, {**halves, "EARLIER": "10"}, corporate_actions=on_tuesday)
    firm.day(WED, [], halves, corporate_actions=announced(EARLIER=WED, DEARLIER=WED, TODAY=WED))
    # What went ex yesterday goes ex today: 200 were held, 200 are. Of Tuesday it is told that 100 were.
    assert rows(
        "select price_amount, corporate_actions_amount, total_amount from marts.fct_profit_and_loss"
        " where business_date = :day and instrument_id = 'TODAY'", day=WED
    ) == [(0, 0, 0)]  # fmt: skip
    assert learned(WED, "TODAY") == [(TUE, "CORPORATE_ACTION", "TODAY", -100, -500, -500)]

    moved = announced(LATER=WED, EARLIER=TUE, COMING=FRI, DLATER=WED, DEARLIER=TUE, DCOMING=FRI, MRG=WED)
    firm.day(THU, [], halves, corporate_actions=moved)
    # Tuesday's 200 were 100, at 5.00. From Wednesday on there are 200.
    assert learned(THU, "LATER") == [(TUE, "CORPORATE_ACTION", "LATER", -100, -500, -500)]
    # Tuesday's 100 were 200, at 10.00.
    assert learned(THU, "EARLIER") == [(TUE, "CORPORATE_ACTION", "EARLIER", 100, 1000, 1000)]
    # It has not been yet: 100 less on both dates.
    assert learned(THU, "COMING") == [(day, "CORPORATE_ACTION", "COMING", -100, -500, -500) for day in (TUE, WED)]
    # 50.00 of 100 shares on Tuesday were none; 40.00 of 80 go ex on Wednesday.
    assert learned(THU, "DLATER") == [(TUE, "INCOME", "DLATER", 0, 0, -50), (WED, "INCOME", "DLATER", 0, 0, -10)]
    # 40.00 of 80 on Wednesday were 50.00 of 100 on Tuesday.
    assert learned(THU, "DEARLIER") == [(TUE, "INCOME", "DEARLIER", 0, 0, 50), (WED, "INCOME", "DEARLIER", 0, 0, 10)]
    assert learned(THU, "DCOMING") == [(day, "INCOME", "DCOMING", 0, 0, -50) for day in (TUE, WED)]
    # 1,200.00 were taken for 100 that were worth 1,100.00 on Tuesday, and were not sold yet.
    assert learned(THU, "MRG") == [(TUE, "CORPORATE_ACTION", "MRG", 100, 1100, -100)]
    # In the open date, what the figures of its eve changed by: the splits and dividends that are yet to come, and 10.00 less and more.
    result = "select sum(total_amount) from marts.fct_profit_and_loss where business_date = :day and instrument_id = :name"
    assert {name: value(result, day=THU, name=name) for name in names} == {
        **dict.fromkeys(names, 0), "COMING": -500, "DLATER": -10, "DEARLIER": 10, "DCOMING": -50
    }  # fmt: skip
    # Each date that booked it, at the ex date it was booked at.
    booked = "select business_date, ex_date, quantity_change from marts.fct_corporate_actions where event_id = :name order by 1, 2"
    assert rows(booked, name="LATER") == [(TUE, TUE, 100), (THU, TUE, -100), (THU, WED, 100)]
    income = "select business_date, ex_date, entitled_quantity, net_amount from marts.fct_income where event_id = :name order by 1, 2"
    assert rows(income, name="DLATER") == [(TUE, TUE, 100, 50), (THU, TUE, -100, -50), (THU, WED, 80, 40)]

    firm.day(FRI, [], halves)
    assert learned(FRI, "COMING") == learned(FRI, "DCOMING") == []
    held = "select traded_quantity from marts.fct_positions where business_date = :day and instrument_id = :name"
    assert [value(held, day=FRI, name=name) for name in splits] == [200, 200, 200, 200]
    # On the pay date what is in force is paid, once.
    assert dict(rows("select instrument_id, sum(cash_amount) from marts.fct_event_cash group by 1")) == {
        "DLATER": 40, "DEARLIER": 50, "DCOMING": 50, "MRG": 1200
    }  # fmt: skip
    assert dict(
        rows(
            "select instrument_id, sum(amount) from ledger.journal_lines where gl_account = 'cash'"
            " and instrument_id = any(:names) group by 1",
            names=[*dividends, "MRG"],
        )
    ) == {"DLATER": 40, "DEARLIER": 50, "DCOMING": 50, "MRG": 1200}


def test_what_is_learned_of_events_and_rates_changes_the_claims_of_closed_dates() -> None:
    """The firm counts in euro: a dollar is 0.90 on Monday, 0.80 on Tuesday, 0.95 on Wednesday and 1.00 on Thursday."""
    firm = SmallFirm(base="EUR", books=("B", "C"), instruments=[{"instrument_id": "D"}, {"instrument_id": "M"}])
    prices = {"D": "10", "M": "10"}
    # 1,000.00 dollars are owed for either.
    bought = [trade("1", MON, 100, "10", instrument_id="D"), trade("2", MON, 100, "10", instrument_id="M", book_id="C")]
    firm.day(MON, bought, prices, {"USD": "0.90"})
    firm.day(TUE, [], prices, {"USD": "0.80"})
    assert (wealth_known_now(TUE, "B"), wealth_known_now(TUE, "C")) == (0, 0)
    # On Wednesday both events of Tuesday are told: 50.00 and 1,200.00 dollars.
    dividend = event("D", "CASH_DIVIDEND", TUE, amount_per_unit="0.50")
    firm.day(WED, [], prices, {"USD": "0.95"}, corporate_actions=[dividend, event("M", "MERGER", TUE, amount_per_unit="12.00")])
    # The dividend is booked at the rate of its ex date, 40.00.
    assert learned(WED, "D") == [(TUE, "INCOME", "D", 0, 0, 40)]
    assert learned(WED, "CASH:USD") == [(TUE, "INCOME", "D", 0, 40, 0)]
    assert wealth_known_now(TUE, "B") == 40
    # The merger is booked at the rate of its ex date, 960.00 for what stood at 800.00.
    assert learned(WED, "M", "C") == [(TUE, "CORPORATE_ACTION", "M", -100, -800, 160)]
    assert learned(WED, "CASH:USD", "C") == [(TUE, "CORPORATE_ACTION", "M", 0, 960, 0)]
    assert wealth_known_now(TUE, "C") == 160
    # Wednesday's own: 1,000.00 dollars owed became 150.00 dearer, 50.00 that were due since Tuesday 7.50; and 1,200.00 180.00.
    own = (
        "select fx_transaction_amount_base, corporate_actions_amount_base from marts.fct_profit_and_loss"
        " where business_date = :day and book_id = :book and instrument_id = 'CASH:USD'"
    )
    assert rows(own, day=WED, book="B") == [(Decimal("-142.50"), 0)]
    assert rows(own, day=WED, book="C") == [(-150, 180)]

    # On Thursday the dividend is 0.60, and Tuesday's rate was 0.85.
    rates = [
        {"currency_code": "USD", "base_currency_code": "EUR", "rate_date": day, "rate": rate}
        for day, rate in ((THU, "1.00"), (TUE, "0.85"))
    ]
    firm.day(THU, [], prices, fx_rates=rates, corporate_actions=[{**dividend, "amount_per_unit": "0.60"}])
    assert learned(THU, "D") == [
        (TUE, "FX_RATE", "USD 2026-01-06", 0, 50, 50),
        (TUE, "INCOME", "D", 0, 0, 8),
        (WED, "INCOME", "D", 0, 0, 8),
    ]
    # 950.00 dollars were owed on Tuesday, 760.00 euro, which are 807.50; the 10.00 dollars, booked at the rate that Tuesday closed with,
    # 8.00, are 8.50 there and 9.50 on Wednesday.
    assert learned(THU, "CASH:USD") == [
        (TUE, "FX_RATE", "USD 2026-01-06", 0, Decimal("-47.50"), Decimal("-47.50")),
        (TUE, "INCOME", "D", 0, Decimal("8.50"), Decimal("0.50")),
        (WED, "INCOME", "D", 0, Decimal("9.50"), Decimal("1.50")),
    ]
    assert learned(THU, "CASH:USD", "C") == [(TUE, "FX_RATE", "USD 2026-01-06", 0, 10, 10)]
    # By hand: 1,000.00 dollars of shares and 940.00 owed are 51.00 at 0.85, and 57.00 at 0.95; of M, 200.00 are left to the book.
    assert (wealth_known_now(TUE, "B"), wealth_known_now(WED, "B")) == (51, 57)
    assert (wealth_known_now(TUE, "C"), wealth_known_now(WED, "C")) == (170, 190)
    # A version of the rate is named.
    named = "select distinct event_version from marts.rpt_what_changed where event_type = 'FX_RATE'"
    assert rows(named) == [(1,)]


def test_repayments_follow_the_terms_known_of_their_bond() -> None:
    # All repay on Saturday 10 January; who trades on Thursday in Frankfurt settles on Monday, so that they are ex on Thursday.
    terms = {"product_line": "bond_fixed", "market_mic": "XETR", "coupon_rate": "5", "coupon_frequency": 1, "day_count": "30/360",
             "issue_date": "2024-01-10", "maturity_date": "2026-01-10"}  # fmt: skip
    amortising = terms | {"product_line": "bond_amortising", "maturity_date": "2028-01-10"}
    bonds = [
        terms | {"instrument_id": "BOND-LATER", "payment_convention": "Preceding"},
        terms | {"instrument_id": "BOND-EARLIER", "payment_convention": "Following"},
        terms | {"instrument_id": "BOND-EXTENDED"},
        amortising | {"instrument_id": "PART-LATER", "payment_convention": "Preceding"},
        amortising | {"instrument_id": "PART-EARLIER", "payment_convention": "Following"},
        amortising | {"instrument_id": "PART-MORE"},
    ]
    names = [str(one["instrument_id"]) for one in bonds]
    plan = [
        {"instrument_id": name, "repayment_date": day, "repaid_percent": percent}
        for name in names if name.startswith("PART")
        for day, percent in (("2025-01-10", 20), ("2026-01-10", 20), ("2027-01-10", 30), ("2028-01-10", 30))
    ]  # fmt: skip
    firm = SmallFirm(instruments=bonds)
    prices = dict.fromkeys(names, "100")
    # 800.00 are outstanding of each that is repaid in parts.
    bought = [trade(name, MON, 800 if name.startswith("PART") else 1000, "100", instrument_id=name) for name in names]
    firm.day(MON, bought, prices, bond_repayments=plan)
    firm.day(TUE, [], prices)
    firm.day(WED, [], prices)
    firm.day(THU, [], prices)
    held = "select instrument_id, traded_quantity from marts.fct_positions where business_date = :day and traded_quantity <> 0 order by 1"
    assert dict(rows(held, day=THU)) == dict.fromkeys(names[3:], 600)
    due = "select instrument_id, pay_date from marts.fct_corporate_actions where business_date = :day order by 1"
    assert dict(rows(due, day=THU)) == {name: FRI if name.endswith("LATER") else NEXT_MON for name in names}

    # On Friday each convention is told the other way round; one bond runs for a year more, and one repays 25 % in place of 20 %.
    stated = {"name": "Corrected", "currency_code": "USD", "issuer_country_code": "US"}
    corrected = [
        stated | bonds[0] | {"payment_convention": "Following"}, stated | bonds[1] | {"payment_convention": "Preceding"},
        stated | bonds[2] | {"maturity_date": "2027-01-10"},
        stated | bonds[3] | {"payment_convention": "Following"}, stated | bonds[4] | {"payment_convention": "Preceding"},
    ]  # fmt: skip
    more = [{"instrument_id": "PART-MORE", "repayment_date": day, "repaid_percent": 25} for day in ("2026-01-10", "2027-01-10")]
    firm.day(FRI, [], prices, instruments=corrected, bond_repayments=more)
    assert dict(rows(held, day=FRI)) == {"BOND-EXTENDED": 1000, "PART-LATER": 600, "PART-EARLIER": 600, "PART-MORE": 550}
    # Thursday's redemption was none; the repayment took 250.00 of 800.00. Each is worth its nominal, and paid at it. Interest accrues to
    # Monday, two days of 5 %: 0.28 on 1,000.00; 0.17 on 600.00 is 0.15 on 550.00.
    for name, quantity, accrued in (("BOND-EXTENDED", 1000, "0.28"), ("PART-MORE", -50, "-0.02")):
        assert learned(FRI, name) == [(THU, "CORPORATE_ACTION", f"RED:{name}:2026-01-10", quantity, quantity, Decimal(accrued))]
    cash = (
        "select instrument_id, sum(amount) from ledger.journal_lines where business_date = :day and gl_account = 'cash'"
        " group by 1 having sum(amount) <> 0"
    )
    # With a coupon of 5 % on what was outstanding: 50.00, and 40.00 on 800.00.
    assert dict(rows(cash, day=FRI)) == {"BOND-EARLIER": 1050, "PART-EARLIER": 240}
    firm.day(NEXT_MON, [], prices)
    assert dict(rows(cash, day=NEXT_MON)) == {"BOND-LATER": 1050, "PART-LATER": 240, "BOND-EXTENDED": 50, "PART-MORE": 290}
    claims = "select sum(amount) from ledger.journal_lines where gl_account = 'income_receivable'"
    assert value(claims) == 0


def _facts_between(day: date) -> dict[str, list[dict[str, object]]]:
    """What may come in for a date, by the kind of file."""
    return {
        "prices": [{"instrument_id": "I", "price_date": day, "price": "7", "currency_code": "USD"}],
        "fx_rates": [{"currency_code": "EUR", "base_currency_code": "USD", "rate_date": day, "rate": "1.3"}],
        "corporate_actions": [event("I", "CASH_DIVIDEND", day, amount_per_unit="0.50")],
        "index_fixings": [{"index_name": "EURIBOR6M", "fixing_date": day, "rate": "2"}],
        "withholding_rates": [{"account_id": "A", "issuer_country_code": "US", "income_type": "DIVIDEND", "rate": "0.15"}],
        "bank_balances": [{"cash_account_id": "C-USD", "statement_date": day, "closing_balance_amount": "-50", "currency_code": "USD"}],
    }


def test_a_date_does_not_close_on_facts_that_its_books_do_not_hold() -> None:
    firm = SmallFirm(instruments=[{"instrument_id": "I"}, {"instrument_id": "E", "currency_code": "EUR"}])
    bought = [trade("1", MON, 10, "5"), trade("2", MON, 10, "5", instrument_id="E", currency_code="EUR")]
    firm.day(MON, bought, {"I": "5", "E": "5"}, {"EUR": "1.1"})
    loader, record = (
        engine(Role.LOADER),
        {"withholding_rates": front_office.record_reference_data, "bank_balances": front_office.record_statements},
    )
    before_close = [(step, role) for step, role in STEPS if step is not close_business_date]
    for step, role in before_close:
        with recorded_dbt():
            step(TUE, engine(role))
    for kind, facts in _facts_between(TUE).items():
        firm.deliver(TUE, kind, facts)
        assert record.get(kind, front_office.record_market_data)(TUE, loader)["recorded"] == 1, kind
        remedy, made = (
            ("prepare_terms", "its terms were prepared") if kind == "index_fixings" else ("build_middle_office", "its books were built")
        )
        with pytest.raises(PosttradeError, match=rf"Facts of 2026-01-06 came in after {made}: 1 {kind}\. Clear {remedy} and what follows"):
            close_business_date(TUE, engine(Role.OPERATOR))
        # What the message says is done: the date is made with them.
        cleared = [step.__name__ for step, _ in before_close].index(remedy)
        for step, role in before_close[cleared:]:
            with recorded_dbt():
                step(TUE, engine(role))
    assert close_business_date(TUE, engine(Role.OPERATOR)) == {"closed": 1}
    assert rows(
        "select instrument_id, market_value_amount, market_value_amount_base from marts.fct_positions"
        " where business_date = :day order by 1",
        day=TUE,
    ) == [("E", 50, 65), ("I", 70, 70)]
    # 0.50 on 10, 15 % kept back.
    assert rows("select gross_amount, withholding_amount from marts.fct_income") == [(5, Decimal("0.75"))]
    # A closed date takes no more of any of them; what is found in its folder counts for the next.
    for table in (*FACTS[Step.BOOKS], "books.trade_versions", "books.allocations"):
        assert {"date_is_open", "lock_open_dates"} <= {
            name for (name,) in rows("select tgname from pg_trigger where tgrelid = cast(:name as regclass)", name=table)
        }, table
    firm.deliver(TUE, "withholding_rates", [_facts_between(TUE)["withholding_rates"][0] | {"rate": "0.10"}])
    assert front_office.record_reference_data(TUE, loader)["recorded"] == 1
    assert rows("select rate, business_date from books.withholding_rates order by 2") == [(Decimal("0.15"), TUE), (Decimal("0.10"), WED)]
    with pytest.raises(IntegrityError, match="the business date 2026-01-06 is closed"), loader.begin() as connection:
        connection.execute(
            text("insert into books.desks (desk_id, name, business_date, revision, content_sha, file_id, line_no)"
                 " values ('X', 'X', '2026-01-06', 1, 'x', 'f', 1)")
        )  # fmt: skip
    firm.day(WED, [], {"I": "7"})


def test_announcements_that_are_numbered_come_to_the_same_in_any_order() -> None:
    # Three messages of each event, numbered 1, 2 and 5, each on one of three days: all 27 ways. Of 100 held, 20 are sold on Tuesday.
    ways = list(product((TUE, WED, THU), repeat=3))
    splits, dividends = [f"S{number:02}" for number in range(len(ways))], [f"D{number:02}" for number in range(len(ways))]
    names = [*splits, *dividends]
    firm = SmallFirm(instruments=[{"instrument_id": name} for name in names])

    def messages(name: str) -> list[dict[str, object]]:
        if name in splits:
            told = [("ANNOUNCED", TUE, {"new_units": 2}), ("ANNOUNCED", TUE, {"new_units": 3}), ("ANNOUNCED", WED, {"new_units": 2})]
        else:
            told = [("ANNOUNCED", TUE, {"amount_per_unit": "0.5"}), ("WITHDRAWN", TUE, {"amount_per_unit": "0.5"}),
                    ("ANNOUNCED", WED, {"amount_per_unit": "0.6"})]  # fmt: skip
        kind, more = ("SPLIT", {"old_units": 1}) if name in splits else ("CASH_DIVIDEND", {})
        return [
            event(name, kind, ex_date, event_status=status, announcement_no=number, **terms, **more)
            for number, (status, ex_date, terms) in zip((1, 2, 5), told, strict=True)
        ]

    prices = dict.fromkeys(names, "10")
    firm.day(MON, [trade(name, MON, 100, "10", instrument_id=name) for name in names], prices)
    sold = [trade(f"sold {name}", TUE, -20, "10", instrument_id=name) for name in names]
    for day, trades in ((TUE, sold), (WED, []), (THU, [])):
        arriving = [
            message
            for group in (splits, dividends)
            for name, way in zip(group, ways, strict=True)
            for message, arrives in zip(messages(name), way, strict=True)
            if arrives == day
        ]
        # the later ones first, on one day of the three the other way round
        assert firm.day(day, trades, prices, corporate_actions=arriving[:: 1 if day == WED else -1])["record_market_data"]["rejected"] == 0
    # On Friday all come once more, one with other content. Later one comes without its number.
    again = [message for name in names for message in messages(name)]
    other = {**messages("D00")[1], "pay_date": NEXT_MON}
    counts = firm.day(FRI, [], prices, corporate_actions=[*again, other])["record_market_data"]
    assert (counts["recorded"], counts["known"], counts["rejected"]) == (len(names), len(again), 1)  # recorded: the prices
    firm.deliver(FRI, "corporate_actions", [{**messages("D01")[2], "announcement_no": ""}])
    assert front_office.record_market_data(FRI, engine(Role.LOADER)) == {"recorded": 0, "known": 0, "rejected": 1, "refused": 0}
    assert rows("select reason_code, field from operations.exceptions order by 1") == [("CONFLICT", None), ("MISSING", "announcement_no")]

    # 80 were held on Wednesday: 160 since then, and 48.00 of dividends.
    known = """
        select distinct reported.traded_quantity + coalesce((
            select sum(learned.changed_quantity) from marts.rpt_what_changed as learned
            where learned.figure_date = reported.business_date and learned.instrument_id = reported.instrument_id
        ), 0)
        from marts.fct_positions as reported where reported.business_date = :day and left(reported.instrument_id, 1) = :kind"""
    assert [rows(known, day=day, kind="S") for day in (TUE, WED, THU, FRI)] == [[(80,)], [(160,)], [(160,)], [(160,)]]
    earned = """
        select left(instrument_id, 1), min(total), max(total) from (
            select results.instrument_id, sum(results.total_amount) + coalesce((
                select sum(learned.total_amount) from marts.rpt_what_changed as learned
                where learned.figure_date = :day and learned.instrument_id = results.instrument_id
            ), 0) as total
            from marts.fct_profit_and_loss as results where results.business_date <= :day and results.instrument_id like '___'
            group by results.instrument_id
        ) as totals group by 1 order by 1"""
    assert rows(earned, day=TUE) == [("D", 0, 0), ("S", 0, 0)]
    for day in (WED, THU, FRI):
        assert rows(earned, day=day) == [("D", 48, 48), ("S", 800, 800)]
    in_force = (
        "select distinct left(event_id, 1), sum(quantity_change) from marts.fct_corporate_actions group by event_id, ex_date order by 1, 2"
    )
    assert rows(in_force) == [("S", 0), ("S", 80)]
    assert rows("select distinct total from (select sum(cash_amount) as total from marts.fct_event_cash group by event_id) as paid") == [
        (48,)
    ]
