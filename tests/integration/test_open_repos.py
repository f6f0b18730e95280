"""Repos without an end through the close: the rate changes, the deal is terminated, and both are told late.

The figures are worked out by hand beside each case.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.conftest import close_day, run_day_until
from integration.small_firm import SmallFirm, alerts, assert_books_tie, assert_rebuilt_the_same, rows, trade, value

from posttrade.offices.accounting import post_journal
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, engine

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
# 3.6 % of 1,000,000.00 are 100.00 a day of 360.
LENT = {
    "instrument_id": "OPEN", "product_line": "repo_open", "market_mic": "XXXX", "currency_code": "EUR", "coupon_rate": "3.6",
    "day_count": "ACT/360", "issue_date": MON,
}  # fmt: skip
TOTAL = "select sum(total_amount) from marts.fct_profit_and_loss where instrument_id = 'OPEN' and book_id = :book and business_date = :day"
CASH = "select coalesce(sum(amount), 0) from ledger.journal_lines where gl_account = 'cash' and book_id = :book"
POSITION = (
    "select traded_quantity, market_value_amount, accrued_interest_amount from marts.fct_positions"
    " where business_date = :day and book_id = :book and instrument_id = 'OPEN'"
)


def told(valid_from: date, state: str, rate: str = "") -> dict[str, object]:
    return {"instrument_id": "OPEN", "valid_from": valid_from, "deal_state": state, "rate": rate}


def test_an_open_repo_bears_the_rates_agreed_until_it_is_terminated() -> None:
    firm = SmallFirm(base="EUR", books=("LENDER", "BORROWER"), instruments=[LENT])
    dealt = [
        trade("1", MON, 1000000, "100", book_id="LENDER", instrument_id="OPEN", currency_code="EUR"),
        trade("2", MON, -500000, "100", book_id="BORROWER", instrument_id="OPEN", currency_code="EUR"),
    ]
    firm.day(MON, dealt)
    assert rows(POSITION, day=MON, book="LENDER") == [(1000000, 1000000, 0)]
    assert value(CASH, book="LENDER") == -1000000

    # From Tuesday on 7.2 %: 200.00 a day, the first of which ends on Wednesday.
    firm.day(TUE, [], open_deal_terms=[told(TUE, "RUNNING", "7.2")])
    assert rows(POSITION, day=TUE, book="LENDER") == [(1000000, 1000000, 100)]

    # A day late: 5.4 % were agreed for Monday already, 150.00 for its night.
    firm.day(WED, [], open_deal_terms=[told(MON, "RUNNING", "5.4")])
    assert rows(POSITION, day=WED, book="LENDER") == [(1000000, 1000000, 350)]
    assert (value(TOTAL, day=WED, book="LENDER"), value(TOTAL, day=WED, book="BORROWER")) == (250, -125)
    changed = "select figure_date, event_type, accrued_interest_amount, total_amount from marts.rpt_what_changed where book_id = :book"
    assert rows(changed, book="LENDER") == [(TUE, "TERMS", 50, 50)]
    assert rows(changed, book="BORROWER") == [(TUE, "TERMS", -25, -25)]

    # Terminated on Thursday: 150.00, 200.00 and 200.00 with the nominal.
    firm.day(THU, [], open_deal_terms=[told(THU, "TERMINATED")])
    assert (value(CASH, book="LENDER"), value(CASH, book="BORROWER")) == (550, -275)
    assert rows(POSITION, day=THU, book="LENDER") in ([], [(0, 0, 0)])
    assert value(TOTAL, day=THU, book="LENDER") == 200

    # It runs a day longer after all, which is told when that day has come.
    firm.day(FRI, [], open_deal_terms=[told(THU, "WITHDRAWN"), told(FRI, "TERMINATED")])
    assert (value(CASH, book="LENDER"), value(CASH, book="BORROWER")) == (750, -375)
    assert value(TOTAL, day=FRI, book="LENDER") == 200
    of_thursday = (
        "select sum(changed_quantity), sum(market_value_amount) from marts.rpt_what_changed"
        " where business_date = :day and figure_date = :of and book_id = 'LENDER' and instrument_id = 'OPEN'"
    )
    assert rows(of_thursday, day=FRI, of=THU) == [(1000000, 1000000)]
    identities = ["value_change_is_explained", "what_changed_leads_to_the_trades_in_force", "income_statement_is_managements_result"]
    assert len(run_dbt(["test", "--select", *identities], FRI).results) == len(identities)
    assert_books_tie()


def test_a_deal_of_two_ends_waits_and_a_part_is_paid_back_by_a_trade() -> None:
    firm = SmallFirm(base="EUR", instruments=[LENT])
    dealt = trade("1", MON, 1000000, "100", instrument_id="OPEN", currency_code="EUR")
    firm.day(MON, [dealt], open_deal_terms=[told(WED, "TERMINATED"), told(THU, "TERMINATED")])
    assert rows("select trade_id, reason from books.trades_held_for_terms") == [
        (
            "CSV~1",
            "the terms of the bond cannot be used: it ends on 2026-01-07 and on 2026-01-08; the end that does not hold is withdrawn",
        )
    ]
    # Booked a day late; 400,000.00 come back with the day's interest of 40.00.
    part = trade("2", TUE, -400000, "100", instrument_id="OPEN", currency_code="EUR")
    firm.day(TUE, [part], open_deal_terms=[told(WED, "WITHDRAWN")])
    assert rows(POSITION, day=TUE, book="B") == [(600000, 600000, 60)]
    assert value(CASH, book="B") == Decimal("-599960")
    firm.day(WED, [])
    firm.day(THU, [])
    # And three days on 600,000.00, 60.00 each.
    assert value(CASH, book="B") == 40 + 180
    assert value("select sum(total_amount) from marts.fct_profit_and_loss") == 220
    assert_books_tie()


def test_an_end_taken_back_leaves_the_rate_agreed_for_its_day() -> None:
    firm = SmallFirm(base="EUR", instruments=[LENT])
    firm.day(
        MON, [trade("1", MON, 1000000, "100", instrument_id="OPEN", currency_code="EUR")], open_deal_terms=[told(WED, "RUNNING", "7.2")]
    )
    firm.day(TUE, [], open_deal_terms=[told(WED, "TERMINATED")])
    firm.day(WED, [], open_deal_terms=[told(WED, "WITHDRAWN")])
    # Told again, it takes back nothing more.
    firm.day(THU, [], open_deal_terms=[told(WED, "WITHDRAWN")])
    # Two days of 100.00 and one of 200.00.
    assert rows(POSITION, day=THU, book="B") == [(1000000, 1000000, 400)]
    assert value(CASH, book="B") == -1000000
    # From Friday on 9 % were agreed, and are withdrawn: of that day no end was told. It stays at 7.2 %, and the rate of Wednesday is
    # withdrawn by name: four days of 100.00.
    withdrawn = [told(WED, "WITHDRAWN") | {"told_of": "RATE"}, told(FRI, "RUNNING", "9"), told(FRI, "WITHDRAWN") | {"revision": 2}]
    terms = [{"revision": 1} | one for one in withdrawn]
    firm.deliver(FRI, "open_deal_terms", terms, "_revised")
    firm.day(FRI, [])
    assert value("select count(*) from operations.exceptions") == 0
    assert rows(POSITION, day=FRI, book="B") == [(1000000, 1000000, 400)]
    assert_books_tie()


def test_a_rate_told_late_is_paid_on_the_parts_that_were_paid_back() -> None:
    """The night of Monday bore 5.4 %, 150.00, not 3.6 %: 60.00 and not 40.00 of it on the 400,000.00 that came back on Tuesday."""
    names = ("OPEN", "TWIN", "AGAIN")
    currencies = {"OPEN": "EUR", "TWIN": "EUR", "AGAIN": "USD"}
    firm = SmallFirm(
        base="EUR", books=("B", "GROWN"), instruments=[LENT | {"instrument_id": name, "currency_code": currencies[name]} for name in names]
    )
    cash = CASH + " and instrument_id = :name"
    total = "select sum(total_amount) from marts.fct_profit_and_loss where instrument_id = :name and book_id = :book"

    def dealt(number: int, day: date, quantity: int, name: str, book: str = "B") -> dict[str, object]:
        return trade(f"{name}-{number}", day, quantity, "100", instrument_id=name, currency_code=currencies[name], book_id=book)

    def of(name: str, *terms: dict[str, object]) -> list[dict[str, object]]:
        return [one | {"instrument_id": name} for one in terms]

    right = (told(MON, "RUNNING", "5.4"), told(TUE, "RUNNING", "3.6"))
    on_monday = [*(dealt(1, MON, 1000000, name) for name in names), dealt(3, MON, 1000000, "OPEN", "GROWN")]
    firm.day(MON, on_monday, {}, {"USD": "0.90"}, open_deal_terms=of("TWIN", *right))
    firm.day(TUE, [*(dealt(2, TUE, -400000, name) for name in names), dealt(4, TUE, 100000, "OPEN", "GROWN")], {}, {"USD": "0.91"})
    assert [value(cash, name=name, book="B") for name in names] == [-599960, -599940, -599960]
    firm.day(WED, [], {}, {"USD": "0.93"}, open_deal_terms=[*of("OPEN", *right), *of("AGAIN", *right)])
    assert [value(cash, name=name, book="B") for name in names] == [-599940, -599940, -599940]
    # 150.00 of Monday's night and 60.00 on the rest for Tuesday's.
    assert [value(total, name=name, book="B") for name in names] == [210, 210, 210]
    # What was added paid 15.00 for its share of that night, and not 10.00.
    assert value(cash, name="OPEN", book="GROWN") == -1100015
    of_trades = "select accrued_amount from marts.fct_trades where business_date = :day and instrument_id = 'OPEN' order by trade_id"
    assert rows(of_trades, day=WED) == [(-60,), (15,)]
    # Of Tuesday's 100.00 it is known now that they were 150.00: 30.00 on what was still lent, 20.00 on the part.
    changed = (
        "select event_type, event_id, total_amount from marts.rpt_what_changed"
        " where business_date = :day and figure_date = :of and instrument_id = 'OPEN' and book_id = 'B' and total_amount <> 0 order by 1"
    )
    assert [(kind, amount) for kind, _, amount in rows(changed, day=WED, of=TUE)] == [("AMENDMENT", 20), ("TERMS", 30)]

    # AGAIN bore 7.2 % that night, as it turns out: 200.00. What was added to GROWN is cancelled, with all that it paid.
    cancelled = {"trade_id": "OPEN-4", "version": 2, "event_type": "CANCEL"}
    ends = [one for name in names for one in of(name, told(THU, "TERMINATED"))]
    firm.day(THU, [cancelled], {}, {"USD": "0.92"}, open_deal_terms=[*ends, *of("AGAIN", told(MON, "RUNNING", "7.2"))])
    # 150.00 + 60.00 + 60.00; 200.00 + 60.00 + 60.00; 150.00 + 100.00 + 100.00.
    assert [value(cash, name=name, book="B") for name in names] == [270, 270, 320]
    assert [value(total, name=name, book="B") for name in names] == [270, 270, 320]
    assert (value(cash, name="OPEN", book="GROWN"), value(total, name="OPEN", book="GROWN")) == (350, 350)
    bank = "select sum(settled_amount) from marts.fct_cash_balances where business_date = :day"
    assert value(bank, day=THU) == 270 + 270 + 320 + 350
    assert [alerts("correction_without_reversal", day) for day in (WED, THU)] == [[], []]
    identities = ["value_change_is_explained", "what_changed_leads_to_the_trades_in_force", "a_trade_owes_all_its_cash"]
    assert len(run_dbt(["test", "--select", *identities], THU).results) == len(identities)
    assert_books_tie()
    assert_rebuilt_the_same()


def test_a_rate_taken_back_before_the_close_leaves_what_was_paid_as_it_was() -> None:
    """On Wednesday 5.4 % are told for Monday's night, the journal is posted, and the rate is taken back the same day.

    Of the 400,000.00 that came back on Tuesday the night's 40.00 stand as they were paid, and the dollars at the rates of their days: the
    ledger has of them what it has of a twin of which nothing was told.
    """
    currencies = {"OPEN": "EUR", "DOLLAR": "USD", "TWIN": "USD"}
    firm = SmallFirm(
        base="EUR", instruments=[LENT | {"instrument_id": name, "currency_code": currency} for name, currency in currencies.items()]
    )

    def dealt(number: int, day: date, quantity: int, **stated: object) -> list[dict[str, object]]:
        return [
            trade(f"{name}-{number}", day, quantity, "100", instrument_id=name, currency_code=currency, **stated)
            for name, currency in currencies.items()
        ]

    def of_both(*terms: dict[str, object]) -> list[dict[str, object]]:
        return [one | {"instrument_id": name} for name in ("OPEN", "DOLLAR") for one in terms]

    def balances(name: str) -> list[tuple[object, ...]]:
        return rows(
            "select gl_account, sum(amount), sum(amount_base) from ledger.journal_lines where instrument_id = :name"
            " group by gl_account having sum(amount) <> 0 or sum(amount_base) <> 0 order by gl_account", name=name,
        )  # fmt: skip

    cash = CASH + " and instrument_id = :name"
    firm.day(MON, dealt(1, MON, 1000000), {}, {"USD": "0.90"})
    # One part comes back on the day it is dealt, another is only agreed on Tuesday, for Friday.
    parts = [*dealt(2, TUE, -400000), *dealt(3, TUE, -100000, settlement_date=FRI)]
    firm.day(TUE, parts, {}, {"USD": "0.91"})
    assert [value(cash, name=name, book="B") for name in currencies] == [-599960, -599960, -599960]

    rate = {"currency_code": "USD", "base_currency_code": "EUR", "rate_date": WED, "rate": "0.93"}
    firm.deliver(WED, "fx_rates", [rate])
    firm.deliver(WED, "open_deal_terms", of_both(told(MON, "RUNNING", "5.4"), told(TUE, "RUNNING", "3.6")))
    run_day_until(post_journal, WED)
    assert [value(cash, name=name, book="B") for name in currencies] == [-599940, -599940, -599960]

    back = [told(MON, "WITHDRAWN"), told(TUE, "WITHDRAWN")]
    firm.deliver(WED, "open_deal_terms", [one | {"told_of": "RATE", "revision": 2} for one in of_both(*back)], "_revised")
    close_day(WED)
    assert rows("select * from operations.exceptions") == []
    assert [value(cash, name=name, book="B") for name in currencies] == [-599960, -599960, -599960]
    # On what is not agreed to come back two nights are owed, 50.00 each.
    assert rows(POSITION, day=WED, book="B") == [(500000, 500000, 100)]
    bank = "select sum(settled_amount) from marts.fct_cash_balances where business_date = :day and currency_code = :currency"
    assert [value(bank, day=WED, currency=currency) for currency in ("EUR", "USD")] == [-599960, 2 * -599960]
    assert [alerts(one, WED) for one in ("correction_without_reversal", "cash_is_not_the_ledgers", "bridge_open")] == [[], [], []]
    assert_books_tie()
    assert balances("DOLLAR") == balances("TWIN")
    # And once more: nothing is left to post.
    assert post_journal(WED, engine(Role.POSTER)) | {"unchanged": 0} == {"posted": 0, "reversed": 0, "unchanged": 0}
    assert balances("DOLLAR") == balances("TWIN")

    ends = [told(FRI, "TERMINATED") | {"instrument_id": name} for name in currencies]
    firm.day(THU, [], {}, {"USD": "0.93"}, open_deal_terms=ends)
    firm.day(FRI, [], {}, {"USD": "0.93"})
    assert balances("DOLLAR") == balances("TWIN")
    assert_books_tie()
    assert_rebuilt_the_same()
