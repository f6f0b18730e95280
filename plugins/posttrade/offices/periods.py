"""Accounting periods: months that close when all their business dates have, and stay closed."""

import re
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from posttrade.errors import PosttradeError
from posttrade.offices.accounting import POSTING_LOCK
from posttrade.offices.business_days import open_date
from posttrade.records.refusals import refusals_said

PERIOD = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Period:
    """A month of the firm.

    Args:
        period: `2026-01`.
        first_date: its first business date; in the firm's first month, the first that was closed.
        last_date: its last business date.
        open_days: business dates in it that are not closed yet.
        closed_by: who closed it; None while it is open.
        closed_at: when; None while it is open.
    """

    period: str
    first_date: date
    last_date: date
    open_days: int
    closed_by: str | None
    closed_at: datetime | None

    @property
    def state(self) -> str:
        """In words: closed, ready to be closed, or open and for how many days."""
        if self.closed_by is not None and self.closed_at is not None:
            return f"closed by {self.closed_by} on {self.closed_at:%Y-%m-%d}"
        return "can be closed" if not self.open_days else f"open: {self.open_days} business dates are not closed"


def list_periods(engine: sqlalchemy.Engine) -> list[Period]:
    """Every month from the firm's first closed date to the open date, oldest first."""
    with engine.connect() as connection:
        return [Period(**row) for row in connection.execute(text(PERIODS)).mappings()]


def close_period(period: str, closed_by: str, engine: sqlalchemy.Engine) -> None:
    """Close a month: from now on nothing can be booked in it.

    Args:
        period: `2026-01`.
        closed_by: the person who closes it.
        engine: of the operator.

    Raises:
        PosttradeError: it is no month, is closed already, has an open business date, follows an open period, or its journal is
            not as it was sealed.
    """
    if not PERIOD.fullmatch(period):
        raise PosttradeError(f"{period!r} is no period.", "Write the month as 2026-01.")
    if not closed_by.strip():
        raise PosttradeError("A period is closed by a person.", "Give your name with --by.")
    business_date = open_date(engine)
    parameters = {"period": period, "closed_by": closed_by.strip(), "business_date": business_date}
    try:
        with refusals_said(), engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": POSTING_LOCK})
            connection.execute(text(CLOSE_PERIOD), parameters)
            if faults := connection.scalar(text(FAULTS_OF_PERIOD), parameters):
                raise PosttradeError(
                    f"{period} cannot be closed: its journal is not as it was sealed, in {faults} places.",
                    "Find out which with ./posttrade verify.",
                )
    except IntegrityError as error:
        if type(error.orig).__name__ != "UniqueViolation":
            raise
        raise PosttradeError(f"{period} is closed already.", "A closed period stays closed; book in the open date.") from error


PERIODS = """
with bounds as (
    select
        min(closings.business_date) as first_closed,
        (
            select min(days.business_date) from books.business_days as days
            where days.business_date > (select max(business_date) from operations.day_closings)
        ) as open_date
    from operations.day_closings as closings
),
days as (
    select days.business_date, to_char(days.business_date, 'YYYY-MM') as period, closings.business_date is null as is_open
    from books.business_days as days
    inner join bounds on days.business_date >= bounds.first_closed
        and days.business_date < date_trunc('month', bounds.open_date) + interval '1 month'
    left join operations.day_closings as closings on days.business_date = closings.business_date
)
select
    days.period, min(days.business_date) as first_date, max(days.business_date) as last_date,
    count(*) filter (where days.is_open) as open_days, closings.closed_by, closings.closed_at
from days
left join ledger.period_closings as closings on days.period = closings.period
group by days.period, closings.closed_by, closings.closed_at
order by days.period
"""

CLOSE_PERIOD = """
insert into ledger.period_closings (period, closed_by, business_date) values (:period, :closed_by, :business_date)
"""

FAULTS_OF_PERIOD = """
select count(*)
from ledger.journal_faults(
    to_date(:period, 'YYYY-MM'), (to_date(:period, 'YYYY-MM') + interval '1 month' - interval '1 day')::date
)
"""
