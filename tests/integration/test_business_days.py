"""Business days come from the home calendar, open in order and close once."""

from datetime import date

import psycopg
import pytest
from integration.calendars_told import Tell, tell_market  # noqa: F401 - a fixture
from integration.loading_helpers import open_firm, record_trades, trade
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from posttrade.errors import PosttradeError
from posttrade.offices.business_days import close_business_date, open_business_date, open_date, publish_calendar
from posttrade.records.book_states import Step, note_state
from posttrade.records.database import Role, engine

FRIDAY, SATURDAY, MONDAY, TUESDAY = date(2026, 1, 2), date(2026, 1, 3), date(2026, 1, 5), date(2026, 1, 6)
WEDNESDAY = date(2026, 1, 7)
OPENED = "XETR: {opened: {2026-01-03: a session on a Saturday}}"


def record_firm(address: str, home_calendar: str) -> None:
    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "insert into books.firms values ('EXAMPLE', 'Example Firm', null, 'EUR', %s, %s, 1, 'c', 'f', 1)",
            (home_calendar, MONDAY),
        )


@pytest.fixture
def firm(fresh_database: str) -> None:
    record_firm(fresh_database, "XETR")
    publish_calendar(MONDAY, engine(Role.LOADER))


@pytest.mark.usefixtures("firm")
def test_the_calendar_knows_neighbours_across_holidays_and_is_published_once() -> None:
    with engine(Role.LOADER).connect() as connection:
        days = connection.exec_driver_sql(
            "select previous_business_date, business_date, next_business_date from books.business_days"
            " where business_date between '2025-12-23' and '2026-01-05' order by 2"
        ).all()
    assert [tuple(map(str, row)) for row in days] == [
        ("2025-12-22", "2025-12-23", "2025-12-29"),
        ("2025-12-23", "2025-12-29", "2025-12-30"),
        ("2025-12-29", "2025-12-30", "2026-01-02"),
        ("2025-12-30", "2026-01-02", "2026-01-05"),
        ("2026-01-02", "2026-01-05", "2026-01-06"),
    ]
    assert publish_calendar(MONDAY, engine(Role.LOADER)) == {"business_days": 0}


@pytest.mark.usefixtures("firm")
def test_days_close_in_order() -> None:
    operator = engine(Role.OPERATOR)
    assert open_date(operator) is None
    assert open_business_date(FRIDAY, operator) == {"opened": 1, "closed_already": 0}
    assert close_business_date(FRIDAY, operator) == {"closed": 1}
    assert open_date(operator) == MONDAY

    with pytest.raises(PosttradeError) as caught:
        open_business_date(TUESDAY, operator)
    assert str(caught.value) == (
        "2026-01-06 cannot be opened: the business day before it, 2026-01-05, is not closed."
        " Close the days in order; the next one is 2026-01-05."
    )
    assert open_business_date(MONDAY, operator)["opened"] == 1


@pytest.mark.usefixtures("firm")
def test_a_day_before_the_first_closed_one_stays_shut() -> None:
    operator = engine(Role.OPERATOR)
    close_business_date(MONDAY, operator)
    with pytest.raises(PosttradeError, match="2026-01-02 cannot be opened"):
        open_business_date(FRIDAY, operator)


@pytest.mark.usefixtures("firm")
def test_a_day_before_the_first_whose_books_are_begun_names_that_one() -> None:
    begin_books(MONDAY)
    with pytest.raises(PosttradeError) as caught:
        open_business_date(FRIDAY, engine(Role.OPERATOR))
    assert str(caught.value) == (
        "2026-01-02 cannot be opened: the books of 2026-01-05, which comes after it, are begun or closed."
        " Put its files into the folder of the open date, 2026-01-05, and remove its own."
    )


@pytest.mark.usefixtures("firm")
def test_a_closed_day_runs_again_and_closes_once() -> None:
    operator = engine(Role.OPERATOR)
    close_business_date(FRIDAY, operator)
    assert open_business_date(FRIDAY, operator) == {"opened": 0, "closed_already": 1}
    assert close_business_date(FRIDAY, operator) == {"closed": 0}


@pytest.mark.usefixtures("firm")
def test_a_day_on_which_the_home_exchange_is_closed_is_refused() -> None:
    with pytest.raises(PosttradeError) as caught:
        open_business_date(SATURDAY, engine(Role.OPERATOR))
    assert str(caught.value) == (
        "2026-01-03 is no business day of the firm's home calendar."
        " Put its files into the folder of the next one, 2026-01-05, and remove its own."
    )


def test_a_firm_without_calendar_is_told_what_to_do(fresh_database: str) -> None:
    with pytest.raises(PosttradeError, match=r"No firm is recorded\. Put a file firms\.csv"):
        publish_calendar(MONDAY, engine(Role.LOADER))
    record_firm(fresh_database, "XFRANKFURT")
    with pytest.raises(PosttradeError, match=r"no trading calendar is known for 'XFRANKFURT'.*home_calendar of firms\.csv"):
        publish_calendar(MONDAY, engine(Role.LOADER))


def neighbours(first: date, last: date) -> list[tuple[date, date, date]]:
    with engine(Role.AUDITOR).connect() as connection:
        found = connection.execute(
            text(
                "select previous_business_date, business_date, next_business_date from books.business_days"
                " where business_date between :first and :last order by 2"
            ),
            {"first": first, "last": last},
        )
        return [tuple(row) for row in found]


def begin_books(day: date) -> None:
    with engine(Role.TRANSFORMER).begin() as connection:
        note_state(connection, day, Step.BOOKS)


@pytest.mark.usefixtures("firm")
def test_a_session_told_late_comes_between_the_closed_date_and_the_next(tell_market: Tell) -> None:  # noqa: F811
    operator = engine(Role.OPERATOR)
    close_business_date(FRIDAY, operator)
    tell_market(OPENED)
    assert open_date(operator) == SATURDAY
    # Saturday and its neighbour, and two days of November that lie 60 days before it
    assert publish_calendar(SATURDAY, engine(Role.LOADER)) == {"business_days": 4}
    # Friday keeps what its books were made by.
    assert neighbours(FRIDAY, MONDAY) == [
        (date(2025, 12, 30), FRIDAY, MONDAY),
        (FRIDAY, SATURDAY, MONDAY),
        (SATURDAY, MONDAY, TUESDAY),
    ]
    assert publish_calendar(SATURDAY, engine(Role.LOADER)) == {"business_days": 0}
    with pytest.raises(PosttradeError, match="the business day before it, 2026-01-03, is not closed"):
        open_business_date(MONDAY, operator)
    for day in (SATURDAY, MONDAY):
        assert open_business_date(day, operator)["opened"] == 1
        assert close_business_date(day, operator) == {"closed": 1}


@pytest.mark.usefixtures("firm")
@pytest.mark.parametrize(("is_closed", "open_then"), [(False, MONDAY), (True, TUESDAY)], ids=["begun", "closed"])
def test_a_session_told_after_the_books_of_the_next_were_begun_is_none(
    tell_market: Tell,  # noqa: F811
    is_closed: bool,
    open_then: date,
) -> None:
    operator = engine(Role.OPERATOR)
    close_business_date(FRIDAY, operator)
    begin_books(MONDAY)
    if is_closed:
        close_business_date(MONDAY, operator)
    tell_market(OPENED)
    publish_calendar(SATURDAY, engine(Role.LOADER))
    assert neighbours(FRIDAY, MONDAY) == [(date(2025, 12, 30), FRIDAY, MONDAY), (FRIDAY, MONDAY, TUESDAY)]
    with pytest.raises(PosttradeError) as caught:
        open_business_date(SATURDAY, operator)
    assert str(caught.value) == (
        "2026-01-03 cannot be opened: the books of 2026-01-05, which comes after it, are begun or closed."
        f" Put its files into the folder of the open date, {open_then}, and remove its own."
    )


@pytest.mark.usefixtures("firm")
def test_the_days_that_books_go_by_stay_and_no_closed_date_is_left_out() -> None:
    operator, loader = engine(Role.OPERATOR), engine(Role.LOADER)
    for day in (FRIDAY, MONDAY):
        close_business_date(day, operator)
    refused = "cannot be changed: there are books or facts that go by the days as they were"
    for statement in (
        "update books.business_days set previous_business_date = '2025-12-29' where business_date = '2026-01-05'",
        "delete from books.business_days where business_date = '2026-01-02'",
        "insert into books.business_days values ('2026-01-03', '2026-01-02', '2026-01-05')",
    ):
        with pytest.raises(DBAPIError, match=refused), loader.begin() as connection:
            connection.execute(text(statement))
    with loader.begin() as connection:
        connection.execute(text("update books.business_days set previous_business_date = '2026-01-02' where business_date = '2026-01-06'"))
    with pytest.raises(PosttradeError) as caught:
        close_business_date(TUESDAY, operator)
    assert str(caught.value) == (
        "The business date 2026-01-06 cannot be closed: its books carry on from 2026-01-02, and the last closed date is 2026-01-05."
        " Clear open_business_date and what follows it, so that the days are published and its books made anew."
    )
    # Its books do not bind the days: they cannot be closed.
    begin_books(TUESDAY)
    assert publish_calendar(TUESDAY, loader) == {"business_days": 1}
    assert neighbours(TUESDAY, TUESDAY) == [(MONDAY, TUESDAY, WEDNESDAY)]
    assert close_business_date(TUESDAY, operator) == {"closed": 1}


@pytest.mark.usefixtures("firm")
def test_a_date_that_is_no_session_any_more_stays_where_facts_are_booked_in_it(tell_market: Tell) -> None:  # noqa: F811
    operator = engine(Role.OPERATOR)
    open_firm()
    close_business_date(MONDAY, operator)
    assert record_trades(TUESDAY, [trade("T1", trade_date="2026-01-06", executed_at="2026-01-06T09:00:00Z")])["recorded"] == 1
    tell_market("XETR: {closed: {2026-01-06: a day of mourning, 2026-01-07: another}}")
    assert open_date(operator) == TUESDAY
    publish_calendar(TUESDAY, engine(Role.LOADER))
    thursday, friday = date(2026, 1, 8), date(2026, 1, 9)
    assert neighbours(TUESDAY, thursday) == [(MONDAY, TUESDAY, thursday), (TUESDAY, thursday, friday)]
    with pytest.raises(PosttradeError, match="the business day before it, 2026-01-06, is not closed"):
        open_business_date(thursday, operator)
    for day in (TUESDAY, thursday):
        assert open_business_date(day, operator)["opened"] == 1
        assert close_business_date(day, operator) == {"closed": 1}
