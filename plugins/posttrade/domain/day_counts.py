"""Day counts: the years between two dates as a bond's terms count them. A convention is a row of procedures/day_counts.yaml.

Days are QuantLib's where it counts them; what it lacks is counted here from the published definition that the row names.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import QuantLib as ql

from posttrade.domain.tables import FOLDER, STRICT, Reason, read_table

DECIMALS = Decimal("0.0000000001")
ONE_DAY = timedelta(days=1)
ICMA = "ACT/ACT ICMA"
FILE = FOLDER / "day_counts.yaml"


@dataclass(frozen=True)
class InterestPeriodTerms:
    """What some conventions look at besides the two dates they count between."""

    start_date: date
    """First day of the interest period the dates lie in."""
    end_date: date
    """The coupon date that ends it."""
    frequency: int
    """Regular coupons a year."""
    is_month_end: bool
    """Whether the coupons fall on the last day of the month."""
    termination_date: date | None
    """The maturity; None where it is not among the dates asked about."""


class EndOn31(StrEnum):
    """What becomes of an end on the 31st in a count of months of thirty days."""

    IS_30TH = "is the 30th"
    IS_30TH_AFTER_A_30TH = "is the 30th if the count starts on a 30th"
    IS_NEXT_FIRST = "is the first of the next month"


@dataclass(frozen=True)
class ThirtyDays:
    """Months of thirty days, from a start of which the 31st is the 30th."""

    __pydantic_config__ = STRICT
    end_on_31: EndOn31
    is_start_february_full: bool = False
    """Whether the last day of February is the 30th where a count starts."""
    is_end_february_full: bool = False
    """Whether it is where a count ends."""

    def days(self, start: date, end: date) -> int:
        """The days from `start` to `end`."""
        first = 30 if start.day == 31 or (self.is_start_february_full and _ends_february(start)) else start.day
        last = 30 if self.is_end_february_full and _ends_february(end) else end.day
        if last == 31 and (self.end_on_31 is EndOn31.IS_30TH or (self.end_on_31 is EndOn31.IS_30TH_AFTER_A_30TH and first == 30)):
            last = 30
        return 360 * (end.year - start.year) + 30 * (end.month - start.month) + last - first


class OwnCount(StrEnum):
    """Counts that know their years, worked out here."""

    ICMA = "ICMA"
    AFB = "AFB"
    YEAR = "YEAR"
    A365 = "365A"
    L365 = "365L"
    U30 = "30U"


@dataclass(frozen=True)
class Convention:
    """A day count: days over the days of a year, or a count of its own; exactly one of `quantlib`, `thirty` and `own`."""

    __pydantic_config__ = STRICT
    source: Reason
    """Where it is defined."""
    quantlib: tuple[str, ...] = ()
    """The class of QuantLib and, where it takes one, its member."""
    takes_termination_date: bool = False
    """Whether QuantLib's class also takes the maturity."""
    thirty: ThirtyDays | None = None
    own: OwnCount | None = None
    year_days: Decimal | None = None
    """Days of a year; None where the count knows its years."""

    def __post_init__(self) -> None:
        if [bool(self.quantlib), self.thirty is not None, self.own is not None].count(True) != 1:
            raise ValueError("expected one of quantlib, thirty and own")
        if self.quantlib and not self._counts_days():
            raise ValueError(
                f"{' '.join(self.quantlib)!r} is no day counter of QuantLib; expected its class and, where it takes one, its member"
            )
        if self.year_days is not None and self.year_days <= 0:
            raise ValueError(f"{self.year_days} are not the days of a year")
        if (self.year_days is None) != (self.own is not None or self.quantlib == ("ActualActual", "ISDA")):
            raise ValueError("expected year_days where the count does not know its years, and only there")

    def _counts_days(self) -> bool:
        day = date(2026, 1, 5)
        try:
            counter = _counter(self.quantlib, day if self.takes_termination_date else None)
            return isinstance(counter.dayCount(_to_quantlib(day), _to_quantlib(day)), int)
        except (AttributeError, TypeError, NotImplementedError):
            return False


@lru_cache(maxsize=8)
def conventions(file: Path = FILE) -> Mapping[str, Convention]:
    """The conventions by name, read once.

    Raises:
        ValueError: the file breaks the form; the message names it, the place and what was expected.
    """
    table: Mapping[str, Convention] = read_table(file, dict[str, Convention])
    return table


def needs_schedule(convention: str) -> bool:
    """Whether a convention counts by the regular periods of the coupons (`icma_years`)."""
    return conventions()[convention].own is OwnCount.ICMA


def years_between(convention: str, start: date, end: date, period: InterestPeriodTerms | None = None) -> Fraction:
    """The years from `start` to `end` by a convention, unrounded.

    Args:
        convention: its name, one of `DAY_COUNTS`.
        start: first day counted.
        end: first day no longer counted.
        period: the interest period they lie in, for conventions that look at it.

    Raises:
        ValueError: the convention is unknown, needs a period that is not given, or needs a schedule (`needs_schedule`).
    """
    known = conventions().get(convention)
    if known is None or known.own is OwnCount.ICMA:
        raise ValueError(f"day count {convention!r} is not one of {', '.join(name for name in DAY_COUNTS if not needs_schedule(name))}")
    if known.own is not None:
        return _OWN[known.own](start, end, period)
    if known.thirty is not None:
        days = known.thirty.days(start, end)
    else:
        counter = _counter(known.quantlib, period.termination_date if period and known.takes_termination_date else None)
        if known.year_days is None:
            # QuantLib works in binary; 15 significant digits bring back the ratio that was meant.
            return Fraction(format(counter.yearFraction(_to_quantlib(start), _to_quantlib(end)), ".15g"))
        days = counter.dayCount(_to_quantlib(start), _to_quantlib(end))
    return Fraction(days) / Fraction(known.year_days or 1)


def icma_years(quasi_coupon_dates: Sequence[date], frequency: int, start: date, end: date) -> Fraction:
    """The years from `start` to `end` by ACT/ACT ICMA (rule 251.1): the parts of each regular period, added up.

    QuantLib's own is not used: given a schedule it knows one quasi-coupon period before a long first one, not two.

    Args:
        quasi_coupon_dates: the regular dates, in order, that enclose `start` and `end`.
        frequency: regular periods a year.
        start: first day counted.
        end: first day no longer counted.

    Raises:
        ValueError: the regular dates do not enclose the days asked for.
    """
    if start < quasi_coupon_dates[0] or end > quasi_coupon_dates[-1]:
        raise ValueError(f"regular dates are known from {quasi_coupon_dates[0]} to {quasi_coupon_dates[-1]}, not for {start} to {end}")
    years = Fraction(0)
    first, beyond = bisect_right(quasi_coupon_dates, start) - 1, bisect_left(quasi_coupon_dates, end) + 1
    for opening, closing in pairwise(quasi_coupon_dates[first:beyond]):
        days = (min(end, closing) - max(start, opening)).days
        if days > 0:
            years += Fraction(days, (closing - opening).days * frequency)
    return years


def to_decimal(value: Fraction) -> Decimal:
    """The value to ten decimals, half-even."""
    return (Decimal(value.numerator) / Decimal(value.denominator)).quantize(DECIMALS)


@lru_cache(maxsize=64)
def _counter(quantlib: tuple[str, ...], termination_date: date | None) -> Any:
    kind = getattr(ql, quantlib[0])
    arguments = [getattr(kind, member) for member in quantlib[1:]]
    return kind(*arguments, _to_quantlib(termination_date)) if termination_date else kind(*arguments)


def _afb_years(start: date, end: date, _period: InterestPeriodTerms | None) -> Fraction:
    """Whole years counted back from the end, each by the same day of an earlier year; what is left over 366 or 365.

    QuantLib adds a sentence of ISDA's paper of 1999 ("The Actual/Actual Day Count Fraction"): a count back from
    28 February stops at 29 February where there is one. It is contested, and Strata, whose values are published, leaves
    it out; with it the year from 28 February 2004 to 28 February 2005 would last 1 1/365 years.
    """
    if end < start:
        return -_afb_years(end, start, _period)
    years = end.year - start.year
    if _in_year(end, end.year - years) < start:
        years -= 1
    rest_end = _in_year(end, end.year - years)
    return years + Fraction((rest_end - start).days, 366 if _has_29_february(start - ONE_DAY, rest_end - ONE_DAY) else 365)


def _year_years(start: date, end: date, _period: InterestPeriodTerms | None) -> Fraction:
    """Whole years counted from the start, then the days that are left over those of the year they lie in."""
    if end < start:
        return -_year_years(end, start, _period)
    years = end.year - start.year
    if _in_year(start, end.year) > end:
        years -= 1
    opening, closing = _in_year(start, start.year + years), _in_year(start, start.year + years + 1)
    return years + Fraction((end - opening).days, (closing - opening).days)


def _365a_years(start: date, end: date, _period: InterestPeriodTerms | None) -> Fraction:
    return Fraction((end - start).days, 366 if _has_29_february(start, end) else 365)


def _365l_years(start: date, end: date, period: InterestPeriodTerms | None) -> Fraction:
    if period is None:
        raise ValueError("day count ACT/365L needs the interest period")
    is_leap = _has_29_february(period.start_date, period.end_date) if period.frequency == 1 else ql.Date.isLeap(period.end_date.year)
    return Fraction((end - start).days, 366 if is_leap else 365)


def _30u_years(start: date, end: date, period: InterestPeriodTerms | None) -> Fraction:
    if period is None:
        raise ValueError("day count 30U/360 needs to know whether coupons fall on the last day of the month")
    return years_between("30/360 US" if period.is_month_end else "30/360", start, end)


def _in_year(day: date, year: int) -> date:
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _has_29_february(start: date, end: date) -> bool:
    """Whether 29 February is one of the days after `start` up to `end`."""
    leap_days = (date(year, 2, 29) for year in range(start.year, end.year + 1) if ql.Date.isLeap(year))
    return any(start < day <= end for day in leap_days)


def _ends_february(day: date) -> bool:
    return day.month == 2 and (day + ONE_DAY).month == 3


def _to_quantlib(day: date) -> Any:
    return ql.Date(day.day, day.month, day.year)


_OWN: Mapping[OwnCount, Callable[[date, date, InterestPeriodTerms | None], Fraction]] = {
    OwnCount.AFB: _afb_years,
    OwnCount.YEAR: _year_years,
    OwnCount.A365: _365a_years,
    OwnCount.L365: _365l_years,
    OwnCount.U30: _30u_years,
}
DAY_COUNTS = tuple(conventions())
"""The conventions known, by name."""
