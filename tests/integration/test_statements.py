"""General ledger, balance sheet and income statement of a firm small enough to be kept by hand, across the end of a year."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy
from environment_of_tests import new_database
from integration.conftest import close_day
from integration.loading_helpers import FIRM, deliver, trade
from sqlalchemy import text

from posttrade.errors import PosttradeError
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, administrator_url, engine

# Business dates of Frankfurt: no trading on 31 December, 1 January and the weekend.
CLOSES = {date(2025, 12, 29): "50.00", date(2025, 12, 30): "51.00", date(2026, 1, 2): "53.00", date(2026, 1, 5): "52.00"}


def rows(query: str) -> list[tuple[Any, ...]]:
    with engine(Role.ANALYST).connect() as connection:
        return [tuple(str(value) if isinstance(value, date) else value for value in row) for row in connection.execute(text(query))]


@pytest.fixture(scope="module")
def year_end(database_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[date]]:
    """Ten SAP are bought at 50.00 with a fee of 1.00 on the first day, and held; the tests read it in the order of this file."""
    with new_database(database_server, tmp_path_factory.mktemp("year_end")):
        yield closed_days()


def closed_days() -> list[date]:
    first, *_ = days = list(CLOSES)
    deliver(first, "firms", ["EXAMPLE,Example Firm,,EUR,XETR"])
    for kind, lines in FIRM.items():
        deliver(first, kind, lines)
    deliver(
        first,
        "trades",
        [trade("T1", trade_date=str(first), executed_at=f"{first}T09:00:00Z", quantity="10", price="50", fee_amount="1")],
    )
    for day, close in CLOSES.items():
        deliver(day, "prices", [f"SAP,{day},{close},EUR"])
        close_day(day)
    return days


@pytest.mark.usefixtures("year_end")
def test_the_statements_are_those_kept_by_hand() -> None:
    assert rows(
        "select business_date, gl_account, opening_amount, debit_amount, credit_amount, closing_amount from marts.rpt_general_ledger"
        " where gl_account <> 'trading_result' order by 1, 2"
    ) == [
        ("2025-12-29", "fee_expense", 0, 1, 0, 1),
        ("2025-12-29", "securities", 0, 500, 0, 500),
        ("2025-12-29", "trade_settlement", 0, 0, 501, -501),
        ("2025-12-30", "fee_expense", 1, 0, 0, 1),
        ("2025-12-30", "securities", 500, 10, 0, 510),
        ("2025-12-30", "trade_settlement", -501, 0, 0, -501),
        ("2026-01-02", "fee_expense", 1, 0, 0, 1),
        ("2026-01-02", "securities", 510, 20, 0, 530),
        ("2026-01-02", "trade_settlement", -501, 0, 0, -501),
        ("2026-01-05", "fee_expense", 1, 0, 0, 1),
        ("2026-01-05", "securities", 530, 0, 10, 520),
        ("2026-01-05", "trade_settlement", -501, 0, 0, -501),
    ]
    assert rows(
        "select business_date, gl_account, account_type, day_amount_base, month_to_date_amount_base, year_to_date_amount_base"
        " from marts.rpt_income_statement order by 1, 2"
    ) == [
        ("2025-12-29", "fee_expense", "EXPENSE", -1, -1, -1),
        ("2025-12-30", "fee_expense", "EXPENSE", 0, -1, -1),
        ("2025-12-30", "trading_result", "INCOME", 10, 10, 10),
        ("2026-01-02", "trading_result", "INCOME", 20, 20, 20),
        ("2026-01-05", "trading_result", "INCOME", -10, 10, 10),
    ]
    # The fee of last year and the gains of both years are the firm's worth: 10 + 20 - 10 - 1.
    assert rows(
        "select account_type, account_name, amount_base from marts.rpt_balance_sheet where business_date = '2026-01-05' order by 1, 2"
    ) == [
        ("ASSET", "Open trades", -501),
        ("ASSET", "Securities at market value", 520),
        ("EQUITY", "Result to date", 19),
    ]


def test_a_day_in_the_middle_closed_again_changes_no_statement(year_end: list[date]) -> None:
    statements = [
        f"select * from marts.{mart} order by business_date, book_id, gl_account"
        for mart in ("rpt_general_ledger", "rpt_balance_sheet", "rpt_income_statement")
    ]
    before = [rows(statement) for statement in statements]
    close_day(year_end[1])
    assert [rows(statement) for statement in statements] == before


def test_the_identities_see_a_cent(year_end: list[date]) -> None:
    identities = ("balance_sheet_balances", "general_ledger_agrees_with_trial_balance", "income_statement_is_managements_result")
    assert len(run_dbt(["test", "--select", *identities], year_end[-1]).results) == 3
    administrator = sqlalchemy.create_engine(administrator_url())
    with administrator.begin() as connection:
        for change in (
            "rpt_balance_sheet set amount_base = amount_base + 0.01 where gl_account = 'securities'",
            "rpt_general_ledger set closing_amount = closing_amount + 0.01 where gl_account = 'securities'",
            "rpt_income_statement set day_amount_base = day_amount_base + 0.01 where gl_account = 'trading_result'",
        ):
            connection.execute(text(f"update marts.{change} and business_date = '2026-01-02'"))
    administrator.dispose()
    with pytest.raises(PosttradeError) as caught:
        run_dbt(["test", "--select", *identities], year_end[-1])
    assert [name for name in identities if f"{name}: Got 1 result" in str(caught.value)] == list(identities)
