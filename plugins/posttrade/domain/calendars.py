"""Trading sessions of markets, from the rules of exchange_calendars and the corrections of procedures/calendars.yaml."""

import warnings
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import pandas as pd
from exchange_calendars import calendar_utils

from posttrade.domain.calendar_rules import calendar_rules

FIRST_DATE = date(1970, 1, 1)
LAST_DATE = date(2069, 12, 31)
ONE_DAY = timedelta(days=1)


@lru_cache(maxsize=64)
def sessions(calendar: str) -> tuple[date, ...]:
    """Every session of a market from 1970 to 2069, or as far as its calendar is published, in order.

    Args:
        calendar: the market's MIC (ISO 10383), e.g. `XETR`.

    Raises:
        ValueError: no calendar of that name is known, or it cannot be worked out.
    """
    known = calendar_rules().markets
    kept = known[calendar].same_as if calendar in known else None
    name = calendar_utils._default_calendar_aliases.get(calendar, kept or calendar)
    factory = calendar_utils._default_calendar_factories.get(name)
    if factory is None:
        raise ValueError(f"no trading calendar is known for {calendar!r}")
    # The library's own list of sessions is not used: under pandas 3.1 it silently ignores the weeks with special
    # trading days (Saturdays in Mumbai and Moscow, Sundays in Tel Aviv). Its rules are complete, so they are read.
    with warnings.catch_warnings():
        # The library's rules still use names that pandas 3.1 announces the end of.
        warnings.simplefilter("ignore", pd.errors.Pandas4Warning)
        return _worked_out(calendar, name, factory)


def _worked_out(calendar: str, name: str, factory: Any) -> tuple[date, ...]:
    rules = object.__new__(factory)
    # what the calendar lacks, and beyond it the market that keeps it
    corrections = [calendar_rules().markets[one] for one in {name, calendar} if one in calendar_rules().markets]
    first = max(FIRST_DATE, _to_date(factory.bound_min(), FIRST_DATE))
    last = min(LAST_DATE, _to_date(factory.bound_max(), LAST_DATE))
    closed = {moment.date() for moment in pd.DatetimeIndex(rules.adhoc_holidays)} | {day for one in corrections for day in one.closed}
    if rules.regular_holidays is not None:
        closed |= _regular_holidays(calendar, rules, first, last)
    days = {day for day in _days_of_week(rules, first, last) if day not in closed}
    return tuple(sorted(days | {day for one in corrections for day in one.opened}))


def add_sessions(calendar: str, day: date, count: int) -> date:
    """The session `count` sessions after `day`; from a closed day, counting starts at the next session.

    Args:
        calendar: the market's MIC.
        day: any date.
        count: zero or more; zero gives the day itself, or the next session.

    Raises:
        ValueError: the calendar is unknown or not published that far.
    """
    return _session_at(calendar, day, bisect_left(sessions(calendar), day) + count)


def previous_session(calendar: str, day: date) -> date:
    """The last session before `day`."""
    return _session_at(calendar, day, bisect_left(sessions(calendar), day) - 1)


def next_session(calendar: str, day: date) -> date:
    """The first session after `day`."""
    return _session_at(calendar, day, bisect_right(sessions(calendar), day))


def sessions_between(calendar: str, first: date, last: date) -> tuple[date, ...]:
    """The sessions from `first` to `last`, both included."""
    days = sessions(calendar)
    return days[bisect_left(days, first) : bisect_right(days, last)]


def roll_following(calendar: str, day: date) -> date:
    """The day itself if the market is open, else its next session (business-day convention Following).

    Outside the years a calendar is published for, only weekends are taken as closed.
    """
    days = sessions(calendar)
    if days[0] <= day <= days[-1]:
        return days[bisect_left(days, day)]
    while day.weekday() >= 5:
        day += ONE_DAY
    return day


def _session_at(calendar: str, day: date, position: int) -> date:
    days = sessions(calendar)
    if not 0 <= position < len(days):
        raise ValueError(f"the calendar of {calendar} is published from {days[0]} to {days[-1]}; {day} needs more")
    return days[position]


def _regular_holidays(calendar: str, rules: Any, first: date, last: date) -> set[date]:
    try:
        return {moment.date() for moment in rules.regular_holidays.holidays(pd.Timestamp(first), pd.Timestamp(last))}
    except NotImplementedError as error:
        # Calendars with the Orthodox Easter: an offset of the library that pandas 3.1 no longer applies.
        raise ValueError(f"the trading calendar {calendar!r} cannot be worked out with this version of pandas") from error


def _days_of_week(rules: Any, first: date, last: date) -> Iterator[date]:
    special = [(_to_date(start, first), _to_date(end, last), mask) for start, end, mask in getattr(rules, "special_weekmasks", ())]
    usual = rules.weekmask
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        mask = next((mask for start, end, mask in special if start <= day <= end), usual)
        if mask[day.weekday()] == "1":
            yield day


def _to_date(moment: pd.Timestamp | None, otherwise: date) -> date:
    return otherwise if moment is None else moment.date()
