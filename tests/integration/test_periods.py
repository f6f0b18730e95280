"""A month closes after its days and after the month before it; what is learned later is booked in the open date."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy
from integration.conftest import close_day
from integration.loading_helpers import FIRM, deliver, trade
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError
from typer.testing import CliRunner

from posttrade.cli import app
from posttrade.domain.calendars import sessions_between
from posttrade.errors import PosttradeError
from posttrade.offices import accounting
from posttrade.offices.business_days import close_business_date, publish_calendar
from posttrade.offices.periods import close_period, list_periods
from posttrade.records.database import Role, administrator_url, engine
from posttrade.records.journal_seals import verify_journal

# The last two business dates of January 2026 and the first of February.
THURSDAY, FRIDAY, MONDAY = date(2026, 1, 29), date(2026, 1, 30), date(2026, 2, 2)


def rows(query: str) -> list[tuple[Any, ...]]:
    with engine(Role.AUDITOR).connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def as_administrator(statement: str, *, without_triggers: bool = False) -> None:
    administrator = sqlalchemy.create_engine(administrator_url())
    with administrator.begin() as connection:
        if without_triggers:
            connection.execute(text("set local session_replication_role = replica"))
        connection.execute(text(statement))
    administrator.dispose()


def refused(period: str) -> str:
    with pytest.raises(PosttradeError) as caught:
        close_period(period, "Ada", engine(Role.OPERATOR))
    return str(caught.value)


@pytest.fixture
def calendar(fresh_database: str) -> None:  # noqa: ARG001 - the database must be there
    as_administrator("insert into books.firms values ('EXAMPLE', 'Example Firm', null, 'EUR', 'XETR', '2026-01-05', 1, 'c', 'f', 1)")
    publish_calendar(THURSDAY, engine(Role.LOADER))


def close_days(first: date, last: date) -> None:
    for day in sessions_between("XETR", first, last):
        publish_calendar(day, engine(Role.LOADER))
        close_business_date(day, engine(Role.OPERATOR))


@pytest.mark.usefixtures("calendar")
def test_a_month_closes_after_its_last_business_date_and_after_the_month_before() -> None:
    assert refused("2026-01") == "The firm has closed no business date in 2026-01. List the periods: ./posttrade periods list."

    # The firm begins on a Thursday: the days of the month before it are none of its own.
    close_days(THURSDAY, THURSDAY)
    assert refused("2026-01") == "2026-01 cannot be closed: its business date 2026-01-30 is open. Close its business dates first, in order."
    close_days(FRIDAY, date(2026, 2, 27))
    assert refused("2025-12") == "The firm has closed no business date in 2025-12. List the periods: ./posttrade periods list."
    assert refused("2026-02") == "2026-02 cannot be closed before 2026-01. Close 2026-01 first."

    close_period("2026-01", "Ada", engine(Role.OPERATOR))
    close_period("2026-02", "Bob", engine(Role.OPERATOR))
    assert refused("2026-02") == "2026-02 is closed already. A closed period stays closed; book in the open date."
    assert refused("2026-03") == "2026-03 cannot be closed: its business date 2026-03-02 is open. Close its business dates first, in order."
    assert [(one.period, one.first_date, one.last_date, one.open_days, one.closed_by) for one in list_periods(engine(Role.OPERATOR))] == [
        ("2026-01", THURSDAY, FRIDAY, 0, "Ada"),
        ("2026-02", MONDAY, date(2026, 2, 27), 0, "Bob"),
        ("2026-03", date(2026, 3, 2), date(2026, 3, 31), 22, None),
    ]


@pytest.mark.usefixtures("calendar")
def test_a_month_whose_days_are_not_all_known_cannot_be_closed() -> None:
    close_days(date(2026, 3, 30), date(2026, 3, 31))
    as_administrator("delete from books.business_days where business_date > '2026-03-31'", without_triggers=True)
    assert "2026-03 cannot be closed: its business date after the last known one is open" in refused("2026-03")


@pytest.mark.usefixtures("calendar")
@pytest.mark.parametrize(("period", "told"), [("2026-1", "'2026-1' is no period"), ("2026-13", "no period"), ("January", "no period")])
def test_a_period_is_a_month(period: str, told: str) -> None:
    assert told in refused(period)


@pytest.mark.usefixtures("calendar")
@pytest.mark.parametrize(
    ("role", "statement", "reason"),
    [
        (Role.POSTER, "insert into ledger.period_closings (period, closed_by, business_date) values ('2026-01', 'me', '2026-02-02')",
         "permission denied"),
        (Role.OPERATOR, "delete from ledger.period_closings", "permission denied"),
        (None, "delete from ledger.period_closings", "append-only"),
    ],
)  # fmt: skip
def test_only_an_operator_closes_and_nobody_reopens(role: Role | None, statement: str, reason: str) -> None:
    close_days(THURSDAY, FRIDAY)
    used = sqlalchemy.create_engine(administrator_url()) if role is None else engine(role)
    with pytest.raises(DBAPIError, match=reason), used.begin() as connection:
        connection.execute(text(statement))
    used.dispose()


def record_firm() -> None:
    """A firm with one book and one share; it buys 10 SAP at 50.00 on the last day of January."""
    deliver(THURSDAY, "firms", ["EXAMPLE,Example Firm,,EUR,XETR"])
    for kind, lines in FIRM.items():
        deliver(THURSDAY, kind, lines)
    for day in (THURSDAY, FRIDAY, MONDAY):
        deliver(day, "prices", [f"SAP,{day},50.00,EUR"])
    bought = {"trade_date": str(FRIDAY), "executed_at": f"{FRIDAY}T09:00:00Z"}
    deliver(THURSDAY, "trades", [trade("OLD", trade_date=str(THURSDAY), executed_at=f"{THURSDAY}T09:00:00Z", price="50")])
    deliver(FRIDAY, "trades", [trade("T1", price="50", **bought)])
    # The front office finds out on Monday that the price was 49.00.
    deliver(MONDAY, "trades", [trade("T1", 2, "AMEND", price="49", **bought)])


def journal_of(period: str) -> list[tuple[Any, ...]]:
    return rows(
        "select event_id, gl_account, amount, entry_id, reverses_entry_id, business_date from marts.fct_journal_lines"
        f" where to_char(business_date, 'YYYY-MM') = '{period}' order by 1, 4, 2"
    )


@pytest.mark.usefixtures("fresh_database")
def test_a_correction_of_a_closed_month_is_booked_in_the_open_date_with_a_link() -> None:
    record_firm()
    close_day(THURSDAY)
    close_day(FRIDAY)
    outcome = CliRunner().invoke(app, ["periods", "close", "2026-01", "--by", "Ada"])
    assert (outcome.exit_code, outcome.output) == (0, "2026-01 is closed.\n")
    january = journal_of("2026-01")

    counts = close_day(MONDAY)
    assert counts["post_journal"]["reversed"] == 1
    assert journal_of("2026-01") == january
    first_version = next(entry_id for event_id, _, _, entry_id, _, _ in january if event_id == "TRADE:CSV~T1:1")
    assert [
        (event_id, account, amount, reverses, day)
        for event_id, account, amount, _, reverses, day in journal_of("2026-02")
        if "T1" in event_id
    ] == [
        ("TRADE:CSV~T1:1", "securities", Decimal("-500"), first_version, MONDAY),
        ("TRADE:CSV~T1:1", "trade_settlement", Decimal("500"), first_version, MONDAY),
        ("TRADE:CSV~T1:2", "securities", Decimal("490"), None, MONDAY),
        ("TRADE:CSV~T1:2", "trade_settlement", Decimal("-490"), None, MONDAY),
    ]
    # A closed day of the closed month closes again and posts nothing.
    assert close_day(FRIDAY)["post_journal"]["posted"] == 0
    assert rows("select period, is_period_closed from marts.dim_business_dates where business_date between '2026-01-29' and '2026-02-02'"
                " order by business_date") == [("2026-01", True), ("2026-01", True), ("2026-02", False)]  # fmt: skip
    listed = CliRunner().invoke(app, ["periods", "list"]).output.splitlines()
    assert listed[0].startswith("2026-01  2026-01-29 to 2026-01-30  closed by Ada on ")
    assert listed[1] == "2026-02  2026-02-02 to 2026-02-27  open: 19 business dates are not closed"

    # What would have to be posted in the closed month is refused, entry and line, in words and with the remedy.
    as_administrator(f"delete from ledger.journal_entries where business_date = '{FRIDAY}'", without_triggers=True)
    with pytest.raises(PosttradeError, match=r"^Nothing can be booked on 2026-01-30: the period 2026-01 was closed by Ada on .*open date"):
        accounting.post_journal(FRIDAY, engine(Role.POSTER))
    with pytest.raises(IntegrityError, match="the period 2026-01 was closed"), engine(Role.POSTER).begin() as connection:
        connection.execute(
            text(
                "insert into ledger.journal_lines (book_id, entry_id, line_no, gl_account, currency_code, amount, amount_base,"
                " business_date) select book_id, entry_id, line_no + 100, gl_account, currency_code, amount, amount_base, business_date"
                f" from ledger.journal_lines where business_date = '{THURSDAY}'"
            )
        )


@pytest.mark.usefixtures("fresh_database")
def test_a_month_whose_journal_was_tampered_with_cannot_be_closed() -> None:
    record_firm()
    close_day(THURSDAY)
    close_day(FRIDAY)
    as_administrator(f"update ledger.journal_lines set amount = -amount where business_date = '{FRIDAY}'", without_triggers=True)
    with engine(Role.AUDITOR).connect() as connection:
        differing = len(verify_journal(connection).faults)
    assert differing > 0
    assert refused("2026-01").startswith(f"2026-01 cannot be closed: its journal is not as it was sealed, in {differing} places.")
    assert list_periods(engine(Role.OPERATOR))[0].closed_by is None
