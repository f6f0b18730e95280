"""The chart of accounts in the database follows the procedures' own, revision by revision."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade
from sqlalchemy import text

from posttrade.records.database import Role, engine


def test_an_account_renamed_in_the_chart_is_a_new_revision(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    from posttrade.offices import published_procedures
    from posttrade.procedures.schema import load_chart_of_accounts

    chart = load_chart_of_accounts()
    renamed = chart | {"cash": chart["cash"].model_copy(update={"name": "Cash in hand and at banks"})}

    def publish(given: dict[str, Any]) -> int:
        monkeypatch.setattr(published_procedures, "load_chart_of_accounts", lambda: given)
        return published_procedures.publish_procedures(engine(Role.LOADER))["ledger_accounts"]

    # Back to the first name is a third revision: the last one said counts.
    assert [publish(one) for one in (chart, chart, renamed, renamed, chart)] == [len(chart), 0, 1, 0, 1]
    with engine(Role.LOADER).connect() as connection:
        found = connection.execute(
            text("select name, revision, account_type, is_monetary from books.ledger_accounts where gl_account = 'cash' order by 2")
        ).all()
    assert [tuple(row) for row in found] == [
        ("Cash at banks", 1, "ASSET", True),
        ("Cash in hand and at banks", 2, "ASSET", True),
        ("Cash at banks", 3, "ASSET", True),
    ]


def test_an_account_new_in_the_chart_is_valued_and_bridged(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    from posttrade.offices import accounting, published_procedures
    from posttrade.procedures.schema import LedgerAccount, load_chart_of_accounts, load_procedures

    chart = load_chart_of_accounts() | {
        "owed_to_brokers": LedgerAccount(name="Owed to brokers", type="liability", is_monetary=True),
        "commissions": LedgerAccount.model_validate({"name": "Commissions", "type": "expense", "is_monetary": False, "component": "fees"}),
    }
    new = {"trade_settlement": "owed_to_brokers", "fee_expense": "commissions"}
    procedures = [
        one.model_copy(
            update={
                "posting_rules": tuple(
                    rule.model_copy(update={"debit": new.get(rule.debit, rule.debit), "credit": new.get(rule.credit, rule.credit)})
                    for rule in one.posting_rules
                )
            }
        )
        for one in load_procedures()
        if one.is_in_force(date(2026, 1, 5))
    ]
    monkeypatch.setattr(type(procedures[0]), "is_in_force", lambda *_: True)
    monkeypatch.setattr(published_procedures, "load_chart_of_accounts", lambda: chart)
    monkeypatch.setattr(accounting, "load_procedures", lambda: procedures)
    firm = SmallFirm(base="EUR")
    firm.day(date(2026, 1, 5), [trade("1", date(2026, 1, 5), 100, "10", fee_amount="10")], {"I": "10"}, {"USD": "0.90"})
    firm.day(date(2026, 1, 6), [], {"I": "10"}, {"USD": "0.95"})
    assert_books_tie()
    # 10.00 dollars of fee at 0.90; 1,010.00 owed became 0.05 dearer
    found = rows(
        "select component, accounting_amount, business_date from marts.rpt_profit_bridge"
        " where component = 'fees' or (component = 'fx' and instrument_id = 'CASH:USD') order by business_date"
    )
    assert found == [("fees", -9, date(2026, 1, 5)), ("fx", Decimal("-50.5"), date(2026, 1, 6))]
    balances = rows("select gl_account, sum(amount) from ledger.journal_lines where gl_account = any(:names) group by 1 order by 1",
                    names=[*new, *new.values()])  # fmt: skip
    assert balances == [("commissions", 10), ("owed_to_brokers", -1010)]
