"""Business days come from the home calendar, open in order and close once."""

from datetime import date

import psycopg
import pytest

from posttrade.errors import PosttradeError
from posttrade.offices.business_days import close_business_date, open_business_date, open_date, publish_calendar
from posttrade.records.database import Role, engine

FRIDAY, MONDAY, TUESDAY = date(2026, 1, 2), date(2026, 1, 5), date(2026, 1, 6)


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
def test_a_closed_day_runs_again_and_closes_once() -> None:
    operator = engine(Role.OPERATOR)
    close_business_date(FRIDAY, operator)
    assert open_business_date(FRIDAY, operator) == {"opened": 0, "closed_already": 1}
    assert close_business_date(FRIDAY, operator) == {"closed": 0}


@pytest.mark.usefixtures("firm")
def test_a_day_on_which_the_home_exchange_is_closed_is_refused() -> None:
    with pytest.raises(PosttradeError, match="2026-01-03 is no business day of the firm's home calendar"):
        open_business_date(date(2026, 1, 3), engine(Role.OPERATOR))


def test_a_firm_without_calendar_is_told_what_to_do(fresh_database: str) -> None:
    with pytest.raises(PosttradeError, match=r"No firm is recorded\. Put a file firms\.csv"):
        publish_calendar(MONDAY, engine(Role.LOADER))
    record_firm(fresh_database, "XFRANKFURT")
    with pytest.raises(PosttradeError, match=r"no trading calendar is known for 'XFRANKFURT'.*home_calendar of firms\.csv"):
        publish_calendar(MONDAY, engine(Role.LOADER))
