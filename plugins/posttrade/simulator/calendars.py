"""When the simulated firm and its markets are open, and when a trade settles."""

import warnings
from bisect import bisect_left
from datetime import date, timedelta
from functools import lru_cache

import exchange_calendars

from posttrade.errors import PosttradeError

HOME_CALENDAR = "XETR"
US_MARKETS = frozenset({"XNYS", "XNAS"})
EUROPE_ON_T_PLUS_1 = date(2027, 10, 11)
_MARGIN = timedelta(days=45)


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
        """Standard settlement: T+1 in the United States since 2024-05-28; in Europe T+2, T+1 from 2027-10-11."""
        cycle = 1 if self._market_mic in US_MARKETS or trade_date >= EUROPE_ON_T_PLUS_1 else 2
        return self._sessions[bisect_left(self._sessions, trade_date) + cycle]

    def rolled_following(self, day: date) -> date:
        """`day` itself if it is a session, else the next session."""
        return self._sessions[bisect_left(self._sessions, day)]

    def coupon_ex_date(self, coupon_date: date) -> date:
        """The first trade date whose standard settlement date is on or after the coupon date."""
        place = bisect_left(self._sessions, coupon_date - timedelta(days=15))
        while self.settlement_date(self._sessions[place]) < coupon_date:
            place += 1
        return self._sessions[place]


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
