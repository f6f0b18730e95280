"""Interest on an overnight rate that is compounded in arrears.

Exact in fractions: QuantLib's overnight coupon works in binary floating point, and is the other road of the tests.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import floor

from posttrade.domain.business_days import BusinessDays

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Observation:
    """A fixing and the calendar days it is compounded for."""

    fixing_date: date
    days: int


@dataclass(frozen=True)
class OvernightRate:
    """Interest that follows an overnight rate: compounded + spread, held between floor and cap.

    The rate up to a day is (product of (1 + r_i x n_i / year) - 1) x year / days (ISDA 2021 Definitions, Overnight Rate Compounding
    Method; ARRC, SOFR floating rate notes conventions matrix, 2019): a business day's rate counts for the calendar days until the next
    one, and what a period begins with before its first business day has the rate of the business day before.
    """

    spread: Decimal
    """Percentage points over the compounded rate, any sign; not compounded itself."""
    calendar: BusinessDays
    """The days the rate is published for."""
    year_days: int
    """Days of a year that the rate is quoted for."""
    fixings: Mapping[date, Decimal] = field(default_factory=dict)
    """Percent a year, by the day the rate is for (not the day it was published)."""
    lookback_days: int = 0
    """A day of interest has the rate of so many business days before it."""
    is_observation_shifted: bool = False
    """Whether the days a rate counts for are shifted with it (observation shift), or those of the interest period stay (lookback)."""
    lockout_days: int = 0
    """The last so many business days of a period have the rate of the business day before them."""
    rate_decimals: int | None = None
    """Decimals the compounded rate in percent is rounded to, half up, before the spread is added."""
    cap: Decimal | None = None
    """Highest rate paid, spread included; percent a year."""
    floor: Decimal | None = None
    """Lowest rate paid, spread included; percent a year."""

    def __post_init__(self) -> None:
        if self.cap is not None and self.floor is not None and self.floor > self.cap:
            raise ValueError(f"the floor {self.floor} lies above the cap {self.cap}")

    def observations(self, start: date, end: date, until: date) -> list[Observation]:
        """What the interest of a period is worked out from, as far as a day.

        Args:
            start: the first day of the interest period.
            end: the day after its last.
            until: the first day whose interest is left out; after `start`, not after `end`.

        Raises:
            ValueError: the period has no more business days than are locked out.
        """
        if self.is_observation_shifted:
            first, last, stop = (self.calendar.days_before(day, self.lookback_days) for day in (start, end, until))
        else:
            first, last, stop = start, end, until
        open_days = list(self._open_days(self.calendar.days_before(first + ONE_DAY, self.lookback_days + 1), last))
        # what begins on a closed day has the rate of the business day before
        opening = bisect_right(open_days, first) - 1
        closing = bisect_left(open_days, last)
        locked = closing - self.lockout_days - 1
        if self.lockout_days and locked < opening:
            raise ValueError(f"the period from {start} to {end} has no business day before its {self.lockout_days} lockout days")
        found = []
        for place in range(opening, bisect_left(open_days, stop)):
            begins, ends = max(open_days[place], first), min([*open_days[place + 1 : place + 2], stop])
            fixed = min(place, locked) if self.lockout_days else place
            if not self.is_observation_shifted:
                fixed -= self.lookback_days
            found.append(Observation(open_days[fixed], (ends - begins).days))
        if not found:
            # both days lie in one weekend, and no business day of the shifted period is between them: the rate of the one they share
            found.append(Observation(open_days[opening], 0))
        return found

    def rate_percent(self, start: date, end: date, until: date) -> Fraction | None:
        """The rate that the interest of a period has up to a day, percent a year; None while a fixing that it needs is not known.

        Args:
            start: the first day of the interest period.
            end: the day after its last.
            until: the first day whose interest is left out; after `start`, not after `end`.

        Raises:
            ValueError: the period has no more business days than are locked out.
        """
        growth, days, last_rate = Fraction(1), 0, Fraction(0)
        for one in self.observations(start, end, until):
            fixing = self.fixings.get(one.fixing_date)
            if fixing is None:
                return None
            last_rate = Fraction(fixing)
            growth *= 1 + last_rate / 100 * one.days / self.year_days
            days += one.days
        rate = (growth - 1) * 100 * self.year_days / days if days else last_rate
        if self.rate_decimals is not None:
            rate = _rounded(rate, self.rate_decimals)
        rate += Fraction(self.spread)
        if self.cap is not None:
            rate = min(rate, Fraction(self.cap))
        return rate if self.floor is None else max(rate, Fraction(self.floor))

    def _open_days(self, first: date, end: date) -> Iterator[date]:
        day = first
        while day < end:
            if self.calendar.is_open(day):
                yield day
            day += ONE_DAY


def _rounded(rate: Fraction, decimals: int) -> Fraction:
    """Half up, away from zero."""
    units = floor(abs(rate) * 10**decimals + Fraction(1, 2))
    return Fraction(units if rate >= 0 else -units, 10**decimals)
