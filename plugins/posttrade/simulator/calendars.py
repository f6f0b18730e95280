"""When the simulated firm and its markets are open, and when a trade settles."""

import warnings
from bisect import bisect_left
from datetime import date, timedelta
from functools import lru_cache

import exchange_calendars
import holidays

from posttrade.errors import PosttradeError

HOME_CALENDAR = "XETR"
US_MARKETS = frozenset({"XNYS", "XNAS"})
DERIVATIVE_MARKETS = frozenset({"XEUR", "CMES"})
EUROPE_ON_T_PLUS_1 = date(2027, 10, 11)
_MARGIN = timedelta(days=45)
_EURO_HOLIDAYS = holidays.financial_holidays("XECB")


def home_sessions(first_date: date, days: int) -> list[date]:
    """The first `days` sessions of the firm's home calendar on or after `first_date`."""
    # Germany's exchange has at least 240 sessions in a year.
    last_date = first_date + timedelta(days=days * 366 // 240 + 20)
    sessions = [day for day in _sessions(HOME_CALENDAR, first_date, last_date) if day >= first_date]
    return sessions[:days]


class MarketCalendar:
    """Sessions of one market around a window, and its standard settlement cycle.

    Args:
        market_mic: ISO 10383 code of the market.
        first_date: first trade date that will be asked about.
        last_date: last date that will be asked about.
    """

    def __init__(self, market_mic: str, first_date: date, last_date: date) -> None:
        self._market_mic = market_mic
        self._sessions = _sessions(market_mic, first_date - _MARGIN, last_date + _MARGIN)
        self._open = frozenset(self._sessions)

    def is_open(self, day: date) -> bool:
        """Whether the market trades on `day`."""
        return day in self._open

    def settlement_date(self, trade_date: date) -> date:
        """Standard settlement: T+1 in the United States since 2024-05-28; in Europe T+2, T+1 from 2027-10-11.

        Premiums of derivatives are paid on T+1. Nothing settles in the United States while its banks are closed, also on the
        two days a year on which its exchanges are open then.
        """
        is_next_day = self._market_mic in US_MARKETS | DERIVATIVE_MARKETS or trade_date >= EUROPE_ON_T_PLUS_1
        left = 1 if is_next_day else 2
        place = bisect_left(self._sessions, trade_date)
        while left:
            place += 1
            left -= self._settles_on(self._sessions[place])
        return self._sessions[place]

    def _settles_on(self, day: date) -> bool:
        return self._market_mic not in US_MARKETS or not is_dollar_holiday(day)

    def rolled_following(self, day: date) -> date:
        """`day` itself if it is a session, else the next session."""
        return self._sessions[bisect_left(self._sessions, day)]

    def coupon_ex_date(self, coupon_date: date) -> date:
        """The first trade date whose standard settlement date is on or after the coupon date."""
        place = bisect_left(self._sessions, coupon_date - timedelta(days=20))
        while self.settlement_date(self._sessions[place]) < coupon_date:
            place += 1
        return self._sessions[place]

    def sessions_before(self, day: date, count: int) -> date:
        """The session `count` sessions before `day`."""
        return self._sessions[bisect_left(self._sessions, day) - count]


def is_dollar_holiday(day: date) -> bool:
    """Whether the Federal Reserve Banks are closed on a weekday (Fed, "Holiday schedules": a Saturday's is not made up for)."""
    fixed = {(1, 1), (6, 19), (7, 4), (11, 11), (12, 25)}
    is_observed = day.weekday() == 0 and (day - timedelta(days=1)).timetuple()[1:3] in fixed
    week = (day.day - 1) // 7 + 1
    is_last_week = (day + timedelta(days=7)).month != day.month
    floating = {
        (1, 0): week == 3, (2, 0): week == 3, (5, 0): is_last_week, (9, 0): week == 1, (10, 0): week == 2, (11, 3): week == 4,
    }  # fmt: skip
    return (day.month, day.day) in fixed or is_observed or floating.get((day.month, day.weekday()), False)


def is_euro_bank_day(day: date) -> bool:
    """Whether T2, the payment system of the euro, is open (ECB, "TARGET closing days")."""
    return day.weekday() < 5 and day not in _EURO_HOLIDAYS


@lru_cache(maxsize=32)
def _sessions(calendar: str, first_date: date, last_date: date) -> tuple[date, ...]:
    try:
        with warnings.catch_warnings():
            # exchange_calendars 4.13 reads time zone aware series in a way that pandas 3.1 announces the end of.
            warnings.filterwarnings("ignore", message="Series.values returning", category=DeprecationWarning)
            known = exchange_calendars.get_calendar(calendar, start=first_date.isoformat(), end=last_date.isoformat())
    except ValueError as problem:
        raise PosttradeError(
            f"The calendar {calendar} has no sessions from {first_date} to {last_date}: {problem}.",
            "Choose an earlier first date or fewer days.",
        ) from problem
    return tuple(session.date() for session in known.sessions)
