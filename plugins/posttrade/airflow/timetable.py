"""When a business day is closed: once per session of the firm's home calendar, after its markets are shut."""

import warnings
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable

ONE_DAY = timedelta(days=1)
PUNCTUALITY = timedelta(hours=1)
"""How late the scheduler may be and still start a run without catchup."""


class BusinessDayTimetable(Timetable):  # type: ignore[misc]
    """One run per business day; its logical date is midnight UTC of the business date, it starts after the close.

    Args:
        calendar: ISO 10383 code of the exchange whose sessions are the firm's business days, e.g. `XETR`.
        closing_hour: hour of the business date, in UTC, after which the day is closed.
    """

    def __init__(self, calendar: str, closing_hour: int = 22) -> None:
        self.calendar = calendar
        self.closing_hour = closing_hour
        self.description = f"Every business day of {calendar} at {closing_hour:02}:00 UTC"

    @property
    def summary(self) -> str:
        return f"{self.calendar} business days, {self.closing_hour:02}:00 UTC"

    def serialize(self) -> dict[str, Any]:
        return {"calendar": self.calendar, "closing_hour": self.closing_hour}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> "BusinessDayTimetable":
        return cls(calendar=data["calendar"], closing_hour=data["closing_hour"])

    def infer_manual_data_interval(self, *, run_after: pendulum.DateTime) -> DataInterval:
        """The business day a run asked for by hand belongs to: the day of the moment asked for.

        Whether that day is a business day of the firm is decided by its own calendar in the database.
        """
        return self._interval(run_after.astimezone(UTC).date())

    def next_dagrun_info(self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction) -> DagRunInfo | None:
        """The next business day to close, or nothing when there is none within the DAG's dates."""
        if last_automated_data_interval is not None:
            earliest_day = last_automated_data_interval.start.astimezone(UTC).date() + ONE_DAY
        elif restriction.earliest is not None:
            earliest_day = _first_midnight(restriction.earliest)
        else:
            return None
        if restriction.earliest is not None:
            earliest_day = max(earliest_day, _first_midnight(restriction.earliest))
        if not restriction.catchup:
            # Without a grace, the scheduler would skip today's run whenever it looks a second after the close.
            late = pendulum.now("UTC") - PUNCTUALITY
            earliest_day = max(earliest_day, late.date() if late.hour < self.closing_hour else late.date() + ONE_DAY)
        business_day = next_session(self.calendar, earliest_day)
        interval = self._interval(business_day)
        if restriction.latest is not None and interval.start > restriction.latest:
            return None
        return DagRunInfo(run_after=interval.end, data_interval=interval)

    def _interval(self, business_day: date) -> DataInterval:
        midnight = pendulum.datetime(business_day.year, business_day.month, business_day.day, tz="UTC")
        return DataInterval(start=midnight, end=midnight.add(hours=self.closing_hour))


def next_session(calendar: str, day: date) -> date:
    """The first session of a calendar on or after a day.

    Raises:
        ValueError: no calendar of that name is known, or it is not published that far.
    """
    # Imported here: it brings pandas, which has no business in a process that only parses DAG files.
    from posttrade.domain import calendars

    with warnings.catch_warnings():
        # exchange_calendars 4.13 reads time zone aware series in a way that pandas 3.1 announces the end of.
        warnings.filterwarnings("ignore", message="Series.values returning", category=DeprecationWarning)
        return calendars.next_session(calendar, day - ONE_DAY)


def _first_midnight(moment: datetime) -> date:
    in_utc = moment.astimezone(UTC)
    at_midnight = in_utc.hour == in_utc.minute == in_utc.second == in_utc.microsecond == 0
    return in_utc.date() if at_midnight else in_utc.date() + ONE_DAY
