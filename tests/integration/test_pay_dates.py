"""Pay dates that are moved: cash follows the date known on the business date, and what was paid already is taken back in the open date.

The figures are worked out by hand beside each case.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value

from posttrade.errors import PosttradeError
from posttrade.offices import accounting, income
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, engine
from posttrade.reports.figures import read_figures

MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
NEXT_MON, NEXT_TUE = date(2026, 1, 12), date(2026, 1, 13)


@pytest.fixture(autouse=True)
def closed_books(fresh_database: str) -> Iterator[None]:  # noqa: ARG001
    """Whatever was moved: the bridge is closed, and the cash account holds the cash of the ledger."""
    yield
    assert_books_tie()
    assert rows(
        """select balances.business_date, balances.currency_code, balances.settled_amount, ledger.amount
        from marts.fct_cash_balances as balances
        cross join lateral (
            select sum(lines.amount) as amount from ledger.journal_lines as lines
            where lines.gl_account = 'cash' and lines.currency_code = balances.currency_code
                and lines.business_date <= balances.business_date
        ) as ledger
        where balances.settled_amount <> coalesce(ledger.amount, 0)"""
    ) == []  # fmt: skip


def event(name: str, kind: str, pay_date: date, ex_date: date = TUE, **terms: object) -> dict[str, object]:
    return {
        "event_id": name, "instrument_id": name, "event_type": kind, "event_status": "ANNOUNCED", "ex_date": ex_date,
        "pay_date": pay_date, "currency_code": "USD",
    } | terms  # fmt: skip


def moved(day: date, gl_account: str, names: tuple[str, ...]) -> dict[str, Decimal]:
    """What a date posted to an account, by instrument; what cancels out is left out."""
    return dict(
        rows(
            "select instrument_id, sum(amount) from ledger.journal_lines where business_date = :day and gl_account = :account"
            " and instrument_id = any(:names) group by 1 having sum(amount) <> 0",
            day=day, account=gl_account, names=list(names),
        )
    )  # fmt: skip


def open_claims(day: date) -> dict[str, Decimal]:
    """What the balance of receivables was, by instrument."""
    return dict(
        rows(
            "select instrument_id, sum(amount) from ledger.journal_lines where gl_account = 'income_receivable' and business_date <= :day"
            " group by 1 having sum(amount) <> 0",
            day=day,
        )
    )


def test_income_and_events_are_paid_on_the_date_known() -> None:
    # Of each kind one that is moved later before it is paid, one that is moved earlier, and one that is moved after it was paid.
    # 100 shares: 0.50 a share is 50.00; a merger at 10.00 is 1,000.00; a call of 100 at 11.00 is 1,100.00; 7 halved is 3 and a
    # half, which is paid at 21.00, so 10.50.
    income_events, events = ("DL", "DE", "DP"), ("ML", "ME", "MP", "CP", "FP")
    names = (*income_events, *events)
    firm = SmallFirm(base="EUR", instruments=[{"instrument_id": name} for name in (*names, "KEEP")])
    firm.day(
        MON,
        [trade(name, MON, 7 if name == "FP" else 100, "10", instrument_id=name) for name in names],
        dict.fromkeys((*names, "KEEP"), "10"),
        {"USD": "0.90"},
    )

    def announced(pay_dates: dict[str, date]) -> list[dict[str, object]]:
        kinds = {"D": ("CASH_DIVIDEND", {"amount_per_unit": "0.50"}), "M": ("MERGER", {"amount_per_unit": "10.00"}),
                 "C": ("CALL", {"amount_per_unit": "11.00"}),
                 "F": ("REVERSE_SPLIT", {"new_units": 1, "old_units": 2, "fraction_price": "21.00"})}  # fmt: skip
        return [event(name, kinds[name[0]][0], day, **kinds[name[0]][1]) for name, day in pay_dates.items()]  # type: ignore[arg-type]

    prices = {**dict.fromkeys(income_events, "9.5"), "FP": "20", "KEEP": "10"}
    first = {"DL": WED, "ML": WED, "DE": FRI, "ME": FRI, "DP": TUE, "MP": TUE, "CP": TUE, "FP": TUE}
    firm.day(TUE, [], prices, {"USD": "0.92"}, corporate_actions=announced(first))
    paid = {"DP": 50, "MP": 1000, "CP": 1100, "FP": Decimal("10.50")}
    assert moved(TUE, "cash", names) == paid
    assert open_claims(TUE) == {"DL": 50, "ML": 1000, "DE": 50, "ME": 1000}

    # Told on Wednesday: L is paid on Friday only, E on Wednesday, and P, which was paid on Tuesday, on Thursday.
    second = dict.fromkeys(("DL", "ML"), FRI) | dict.fromkeys(("DE", "ME"), WED) | dict.fromkeys(("DP", "MP", "CP", "FP"), THU)
    firm.day(WED, [], prices, {"USD": "0.95"}, corporate_actions=announced(second))
    assert moved(WED, "cash", names) == {"DE": 50, "ME": 1000} | {name: -amount for name, amount in paid.items()}
    assert open_claims(WED) == {"DL": 50, "ML": 1000} | paid
    # By a reversal of the entry of Tuesday, at its rate.
    assert rows(
        """select reversed.business_date, lines.gl_account, lines.amount, lines.amount_base
        from ledger.journal_entries as entries
        inner join ledger.journal_entries as reversed on entries.reverses_entry_id = reversed.entry_id
        inner join ledger.journal_lines as lines on entries.entry_id = lines.entry_id
        where entries.business_date = :day and lines.instrument_id = 'DP' order by 2""",
        day=WED,
    ) == [(TUE, "cash", -50, -46), (TUE, "income_receivable", 50, 46)]
    # The report of the date: 50.00 came in and 50.00 went back; what is to come is told by its new date.
    report = read_figures(WED, engine(Role.AUDITOR))
    assert [
        (one["booked_amount"], one["received_amount"], one["due_amount"], one["next_pay_date"]) for one in report.income.rows
    ] == [(0, 0, 100, THU)]  # fmt: skip
    assert [(one["event_id"], one["pay_date"], one["gross_amount"]) for one in report.income_events.rows] == [
        ("DE", WED, 50), ("DP", THU, 50), ("DL", FRI, 50)
    ]  # fmt: skip
    # Posting the date once more changes nothing.
    counts = accounting.post_journal(WED, engine(Role.POSTER))
    assert (counts["posted"], counts["reversed"]) == (0, 0)

    firm.day(THU, [], prices, {"USD": "0.95"})
    assert moved(THU, "cash", names) == paid
    firm.day(FRI, [], prices, {"USD": "0.90"})
    assert moved(FRI, "cash", names) == {"DL": 50, "ML": 1000}
    assert open_claims(FRI) == {}
    firm.day(NEXT_MON, [], prices, {"USD": "0.90"})
    assert moved(NEXT_MON, "cash", names) == {}
    # Each claim was booked once, and came in once.
    assert rows("select instrument_id, sum(net_amount), count(*) from marts.fct_income group by 1 order by 1") == [
        ("DE", 50, 2), ("DL", 50, 2), ("DP", 50, 2)
    ]  # fmt: skip
    assert dict(rows("select instrument_id, sum(cash_amount) from marts.fct_event_cash group by 1")) == {
        **dict.fromkeys(income_events, 50), "ML": 1000, "ME": 1000, "MP": 1000, "CP": 1100, "FP": Decimal("10.50")
    }  # fmt: skip
    assert accounting.post_journal(WED, engine(Role.POSTER))["posted"] == 0
    identity = "fct_event_cash__what_is_not_paid_is_taken_back"
    for test in ("what_changed_leads_to_the_trades_in_force", "value_change_is_explained", identity):
        assert len(run_dbt(["test", "--select", test], FRI).results) == 1


def test_a_pay_date_is_moved_twice_on_a_date_and_back() -> None:
    firm = SmallFirm(instruments=[{"instrument_id": "D"}])
    firm.day(MON, [trade("1", MON, 100, "10", instrument_id="D")], {"D": "10"})
    dividend = event("D", "CASH_DIVIDEND", TUE, amount_per_unit="0.50")
    firm.day(TUE, [], {"D": "10"}, corporate_actions=[dividend])
    # 5 more of Monday, told on Wednesday with another pay date: the 50.00 of Tuesday go back, and 52.50 are due on Friday.
    firm.day(WED, [trade("2", MON, 5, "10", instrument_id="D")], {"D": "10"}, corporate_actions=[{**dividend, "pay_date": FRI}])
    assert (moved(WED, "cash", ("D",)), open_claims(WED)) == ({"D": -50}, {"D": Decimal("52.50")})
    # Back to Tuesday: paid at once. Then it is withdrawn, and all goes back.
    firm.day(THU, [], {"D": "10"}, corporate_actions=[dividend])
    assert (moved(THU, "cash", ("D",)), open_claims(THU)) == ({"D": Decimal("52.50")}, {})
    firm.day(FRI, [], {"D": "10"}, corporate_actions=[{**dividend, "event_status": "WITHDRAWN", "pay_date": NEXT_MON}])
    assert (moved(FRI, "cash", ("D",)), open_claims(FRI)) == ({"D": Decimal("-52.50")}, {})
    firm.day(NEXT_MON, [], {"D": "10"})
    assert (
        moved(NEXT_MON, "cash", ("D",)),
        value("select sum(amount) from ledger.journal_lines where gl_account = 'dividend_income'"),
    ) == ({}, 0)


def test_a_dividend_whose_ex_date_is_moved_to_come_is_taken_back_with_its_cash() -> None:
    firm = SmallFirm(instruments=[{"instrument_id": "D"}])
    firm.day(MON, [trade("1", MON, 100, "10", instrument_id="D")], {"D": "10"})
    dividend = event("D", "CASH_DIVIDEND", TUE, amount_per_unit="0.50")
    firm.day(TUE, [], {"D": "10"}, corporate_actions=[dividend])
    assert moved(TUE, "cash", ("D",)) == {"D": 50}
    firm.day(WED, [], {"D": "10"}, corporate_actions=[{**dividend, "ex_date": FRI, "pay_date": NEXT_MON}])
    assert (moved(WED, "cash", ("D",)), open_claims(WED)) == ({"D": -50}, {})
    # 20 of the 100 are sold before the new ex date: 80 are entitled.
    firm.day(THU, [trade("2", THU, -20, "10", instrument_id="D")], {"D": "10"})
    firm.day(FRI, [], {"D": "10"})
    assert open_claims(FRI) == {"D": 40}
    firm.day(NEXT_MON, [], {"D": "10"})
    assert (moved(NEXT_MON, "cash", ("D",)), open_claims(NEXT_MON)) == ({"D": 40}, {})


def test_a_client_is_paid_once_and_on_the_date_known() -> None:
    names = ("LATER", "EARLIER", "PROPOSED", "LEFT")
    firm = SmallFirm(instruments=[{"instrument_id": name} for name in names])
    clients = [{"client_id": "INV", "name": "Invented Client", "country_code": "US", "iban": "DE89370400440532013000", "bic": "EXBKUS33"}]
    bought = [trade(name, MON, 100, "10", instrument_id=name) for name in names]
    prices = dict.fromkeys(names, "10")
    accounts = [{"account_id": "A", "name": "A", "client_id": "INV", "custodian_id": "CUS"}]
    firm.day(MON, bought, prices, clients=clients, accounts=accounts)

    def announced(pay_dates: dict[str, date]) -> list[dict[str, object]]:
        return [event(name, "CASH_DIVIDEND", day, amount_per_unit="0.50") for name, day in pay_dates.items()]

    def released(day: date) -> list[tuple[object, ...]]:
        income.release_payments(day, engine(Role.OPERATOR))
        return rows(
            "select instrument_id, payments.amount from operations.payment_releases as releases"
            " inner join operations.payments using (payment_id) where releases.business_date = :day order by 1",
            day=day,
        )

    def approve(day: date) -> None:
        waiting = [payment["payment_id"] for payment in income.waiting_payments(day, engine(Role.OPERATOR))]
        income.decide_payments(waiting, "APPROVED", "a colleague", "", day, engine(Role.OPERATOR))

    firm.day(TUE, [], prices, corporate_actions=announced({"LATER": WED, "EARLIER": FRI, "PROPOSED": TUE, "LEFT": TUE}))
    assert rows("select instrument_id from marts.fct_payments order by 1") == [("LEFT",), ("PROPOSED",)]
    left = value("select payment_id from operations.payments where instrument_id = 'LEFT'")
    income.decide_payments([left], "APPROVED", "a colleague", "", WED, engine(Role.OPERATOR))
    assert released(WED) == [("LEFT", 50)]
    # PROPOSED waited, and is due on Friday now; LEFT has left, which a control says.
    counts = firm.day(WED, [], prices, corporate_actions=announced({"LATER": FRI, "EARLIER": WED, "PROPOSED": FRI, "LEFT": FRI}))
    assert counts["prepare_payments"] == {"proposed": 1, "moved": 1, "held": 0, "overpaid": 0}
    assert rows("select instrument_id, pay_date, payment_status from marts.fct_payments order by 1") == [
        ("EARLIER", WED, "WAITING"), ("LEFT", TUE, "RELEASED"), ("PROPOSED", FRI, "WAITING")
    ]  # fmt: skip
    approve(THU)
    assert released(THU) == [("EARLIER", 50)]
    assert income.prepare_payments(WED, engine(Role.OPERATOR)) == {"proposed": 0, "moved": 0, "held": 0, "overpaid": 0}
    firm.day(THU, [], prices)
    assert released(FRI) == [("PROPOSED", 50)]
    firm.day(FRI, [], prices)
    # What leaves is booked on the date it leaves, so a closed date takes none.
    approve(NEXT_MON)
    with pytest.raises(PosttradeError, match="The business date 2026-01-09 is closed"):
        released(FRI)
    assert released(NEXT_MON) == [("LATER", 50)]
    firm.day(NEXT_MON, [], prices)
    assert (released(NEXT_TUE), value("select count(*) from operations.payments")) == ([], 4)


def test_a_coupon_is_paid_on_the_date_of_the_terms_known() -> None:
    # 6 % on Saturday 10 January, ex three business days before: on Tuesday, who trades settles on Wednesday.
    terms = {"product_line": "bond_fixed", "coupon_rate": "6", "coupon_frequency": 1, "day_count": "30/360", "issue_date": "2024-01-10",
             "maturity_date": "2030-01-10", "ex_coupon_days": 3, "ex_coupon_calendar": "XNYS"}  # fmt: skip
    before = terms | {"instrument_id": "BEFORE", "payment_convention": "Preceding"}
    after = terms | {"instrument_id": "AFTER", "payment_convention": "Following"}
    firm = SmallFirm(instruments=[before, after])
    prices = {"BEFORE": "100", "AFTER": "100"}
    firm.day(MON, [trade(name, MON, 1000, "100", instrument_id=name) for name in prices], prices)
    firm.day(TUE, [], prices)
    assert open_claims(TUE) == {"BEFORE": 60, "AFTER": 60}
    assert rows("select instrument_id, ex_date, pay_date from marts.fct_income order by 1") == [
        ("AFTER", TUE, NEXT_MON), ("BEFORE", TUE, FRI)
    ]  # fmt: skip
    stated = {"name": "Corrected", "currency_code": "USD", "market_mic": "XNYS", "issuer_country_code": "US"}
    corrected = [stated | before | {"payment_convention": "Following"}, stated | after | {"payment_convention": "Preceding"}]
    firm.day(WED, [], prices, instruments=corrected)
    firm.day(THU, [], prices)
    firm.day(FRI, [], prices)
    assert moved(FRI, "cash", ("BEFORE", "AFTER")) == {"AFTER": 60}
    firm.day(NEXT_MON, [], prices)
    assert moved(NEXT_MON, "cash", ("BEFORE", "AFTER")) == {"BEFORE": 60}
    assert open_claims(NEXT_MON) == {}
