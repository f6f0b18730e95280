"""An installation keeps the books of one firm, and in one base currency once a date is closed."""

from datetime import date

import pytest
from loading_helpers import MONDAY, TUESDAY, deliver, found, loader
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from posttrade.offices.business_days import close_business_date, publish_calendar
from posttrade.offices.front_office import record_reference_data
from posttrade.records.database import Role, engine

pytestmark = pytest.mark.usefixtures("fresh_database")
REJECTED = "select reason_code, field, value, reason, remedy from operations.exceptions order by business_date, line_no"
ON_RECORD = "select firm_id, base_currency_code, home_calendar from books.firms order by business_date, revision"
OTHER_FIRM = (
    "OTHER_FIRM", "firm_id", "ANOTHER", "firms.csv, line {line}: firm_id is 'ANOTHER', and the books here are those of another firm.",
    "Correct it if the same firm is meant, then replay the row; another firm needs an installation of its own.",
)  # fmt: skip


def close_monday() -> None:
    publish_calendar(MONDAY, loader())
    assert close_business_date(MONDAY, engine(Role.OPERATOR)) == {"closed": 1}


def record(day: date, *rows: str) -> tuple[int, int]:
    """How many rows of a file of firms are recorded and rejected."""
    deliver(day, "firms", rows)
    counts = record_reference_data(day, loader())
    return counts["recorded"], counts["rejected"]


def test_a_second_firm_is_rejected_in_the_same_file_and_later() -> None:
    # by the alphabet, ANOTHER would come first
    assert record(MONDAY, "EXAMPLE,Example Firm,,USD,XETR", "ANOTHER,Another Firm,,EUR,XETR") == (1, 1)
    assert record(TUESDAY, "ANOTHER,Another Firm,,EUR,XETR", "EXAMPLE,Example & Co,,USD,XETR") == (1, 1)
    assert found(ON_RECORD) == [("EXAMPLE", "USD", "XETR"), ("EXAMPLE", "USD", "XETR")]
    assert found(REJECTED) == [tuple(one.format(line=line) for one in OTHER_FIRM) for line in (3, 2)]


def test_the_base_currency_may_be_corrected_until_a_date_is_closed() -> None:
    assert record(MONDAY, "EXAMPLE,Example Firm,,USD,XETR") == (1, 0)
    deliver(
        MONDAY, "firms", ["EXAMPLE,Example Firm,,EUR,XETR,2"], "firms_2.csv", "firm_id,name,lei,base_currency_code,home_calendar,revision"
    )
    assert record_reference_data(MONDAY, loader())["recorded"] == 1
    close_monday()
    assert record(TUESDAY, "EXAMPLE,Example Firm,,USD,XETR") == (0, 1)
    assert found(REJECTED) == [
        ("OTHER_BASE_CURRENCY", "base_currency_code", "USD",
         "firms.csv, line 2: base_currency_code is 'USD', and closed dates have books in another currency.",
         "Correct it, then replay the row; books in another base currency need an installation of their own."),
    ]  # fmt: skip
    # All else may be told otherwise, the home calendar among it.
    assert record(TUESDAY, "EXAMPLE,Example & Co,,EUR,XNYS") == (1, 0)
    assert found(ON_RECORD) == [("EXAMPLE", "USD", "XETR"), ("EXAMPLE", "EUR", "XETR"), ("EXAMPLE", "EUR", "XNYS")]


@pytest.mark.parametrize(
    ("firm", "base", "refused"),
    [
        ("ANOTHER", "EUR", "the firm ANOTHER with books in EUR cannot be recorded: here are those of EXAMPLE in EUR"),
        ("EXAMPLE", "USD", "the firm EXAMPLE with books in USD cannot be recorded: here are those of EXAMPLE in EUR"),
        ("EXAMPLE", "EUR", None),
    ],
)
def test_the_database_takes_no_other_firm_and_no_other_base_currency(firm: str, base: str, refused: str | None) -> None:
    assert record(MONDAY, "EXAMPLE,Example Firm,,EUR,XETR") == (1, 0)
    close_monday()
    statement = text(
        "insert into books.firms (firm_id, name, base_currency_code, home_calendar, business_date, revision, content_sha, file_id, line_no)"
        " values (:firm, 'A firm', :base, 'XETR', :day, 1, 'c', 'f', 1)"
    )
    values = {"firm": firm, "base": base, "day": TUESDAY}
    if refused:
        with pytest.raises(IntegrityError, match=refused), loader().begin() as connection:
            connection.execute(statement, values)
    else:
        with loader().begin() as connection:
            assert connection.execute(statement, values).rowcount == 1
