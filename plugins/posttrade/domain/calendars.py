"""Trading sessions and settlement days of markets."""

import warnings
from bisect import bisect_left, bisect_right
from datetime import date, timedelta
from functools import lru_cache

import exchange_calendars

FIRST_DATE = date(2000, 1, 1)

# Sessions the library's calendars lack or have too many of.
# XHKG: closed for typhoon Saola and for the black rainstorm (HKEX announcements of those days).
# XBOM: special Saturday sessions (NSE and BSE circulars), which the library loses under pandas 3.
CLOSED = {"XHKG": frozenset({date(2023, 9, 1), date(2023, 9, 8)})}
OPENED = {"XBOM": frozenset({date(2024, 1, 20), date(2025, 2, 1)})}


@lru_cache(maxsize=64)
def sessions(calendar: str, last_year: int) -> tuple[date, ...]:
    """The sessions of a market up to the end of a year, in order.

    Args:
        calendar: the market's MIC, e.g. `XETR`.
        last_year: the last year to include.

    Raises:
        ValueError: no calendar of that name is known.
    """
    try:
        with warnings.catch_warnings():
            # The library reads pandas in a way that pandas 3.1 announces to change.
            warnings.simplefilter("ignore")
            found = exchange_calendars.get_calendar(calendar, start=FIRST_DATE.isoformat(), end=date(last_year, 12, 31).isoformat())
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise ValueError(f"no trading calendar is known for {calendar!r}") from error
    days = {timestamp.date() for timestamp in found.sessions} - CLOSED.get(calendar, frozenset())
    days |= {day for day in OPENED.get(calendar, ()) if day.year <= last_year}
    return tuple(sorted(days))


def is_session(calendar: str, day: date) -> bool:
    """Whether the market trades on that day."""
    days = sessions(calendar, _horizon(day))
    position = bisect_left(days, day)
    return position < len(days) and days[position] == day


def add_sessions(calendar: str, day: date, count: int) -> date:
    """The session `count` sessions after `day`; from a closed day, counting starts at the next session.

    Args:
        calendar: the market's MIC.
        day: any date.
        count: zero or more; zero gives the day itself, or the next session.
    """
    days = sessions(calendar, _horizon(day))
    return days[bisect_left(days, day) + count]


def previous_session(calendar: str, day: date) -> date:
    """The last session before `day`."""
    days = sessions(calendar, _horizon(day))
    return days[bisect_left(days, day) - 1]


def next_session(calendar: str, day: date) -> date:
    """The first session after `day`."""
    days = sessions(calendar, _horizon(day))
    return days[bisect_right(days, day)]


def _horizon(day: date) -> int:
    """The year whose sessions are surely enough for a settlement date; one value for ten years, so that the cache serves."""
    return ((day + timedelta(days=60)).year // 10 + 1) * 10 - 1
