"""Day counts: the years between two dates as a bond's terms count them. QuantLib's, but for ACT/ACT ICMA and AFB."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Any

import QuantLib as ql

DECIMALS = Decimal("0.0000000001")


class DayCount(StrEnum):
    """The conventions known; section numbers are those of the 2006 ISDA Definitions."""

    ACT_ACT_ICMA = "ACT/ACT ICMA"
    """ICMA Rule Book, rule 251.1: days over the days of the regular period times the coupons a year."""
    THIRTY_360 = "30/360"
    """Bond basis, 4.16(f)."""
    THIRTY_E_360 = "30E/360"
    """Eurobond basis, 4.16(g)."""
    THIRTY_360_US = "30/360 US"
    """30U/360 with the end-of-February rule of the SIA (Standard Securities Calculation Methods), month-end bonds."""
    ACT_360 = "ACT/360"
    """4.16(e)."""
    ACT_365F = "ACT/365F"
    """4.16(d)."""
    ACT_ACT_ISDA = "ACT/ACT ISDA"
    """4.16(b): days in leap years over 366, the others over 365."""
    ACT_ACT_AFB = "ACT/ACT AFB"
    """Exact/Exact of the French master agreement (FBF): whole years back from the end, then the days that are left."""
    NL_365 = "NL/365"
    """29 February is not counted."""


ICMA = DayCount.ACT_ACT_ICMA.value
DAY_COUNTS = tuple(one.value for one in DayCount)

_RULES = {
    DayCount.THIRTY_360: lambda: ql.Thirty360(ql.Thirty360.BondBasis),
    DayCount.THIRTY_E_360: lambda: ql.Thirty360(ql.Thirty360.EurobondBasis),
    DayCount.THIRTY_360_US: lambda: ql.Thirty360(ql.Thirty360.USA),
    DayCount.ACT_360: lambda: ql.Actual360(),
    DayCount.ACT_365F: lambda: ql.Actual365Fixed(),
    DayCount.ACT_ACT_ISDA: lambda: ql.ActualActual(ql.ActualActual.ISDA),
    DayCount.ACT_ACT_AFB: lambda: ql.ActualActual(ql.ActualActual.AFB),
    DayCount.NL_365: lambda: ql.Actual365Fixed(ql.Actual365Fixed.NoLeap),
}


def day_count_of(convention: str, start: date, end: date) -> int:
    """The days from `start` to `end` as a convention counts them.

    Raises:
        ValueError: the convention is unknown, or ACT/ACT ICMA, which needs a schedule (`icma_years`).
    """
    return int(_rule(convention).dayCount(_to_quantlib(start), _to_quantlib(end)))


def year_fraction(convention: str, start: date, end: date) -> Decimal:
    """The years from `start` to `end` by a convention, to ten decimals.

    Raises:
        ValueError: the convention is unknown, or ACT/ACT ICMA, which needs a schedule (`icma_years`).
    """
    return to_decimal(years_between(convention, start, end))


def years_between(convention: str, start: date, end: date) -> Fraction:
    """The years from `start` to `end` by a convention, unrounded.

    Raises:
        ValueError: the convention is unknown, or ACT/ACT ICMA, which needs a schedule (`icma_years`).
    """
    rule = _rule(convention)
    if convention == DayCount.ACT_ACT_AFB:
        return _afb_years(start, end)
    # QuantLib works in binary; 15 significant digits bring back the ratio that was meant.
    return Fraction(format(rule.yearFraction(_to_quantlib(start), _to_quantlib(end)), ".15g"))


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


def _rule(convention: str) -> Any:
    if convention not in _RULES:
        raise ValueError(f"day count {convention!r} is not one of {', '.join(_RULES)}")
    return _RULES[DayCount(convention)]()


def _afb_years(start: date, end: date) -> Fraction:
    """Whole years counted back from the end, each by the same day of an earlier year; what is left over 366 or 365.

    QuantLib adds a sentence of ISDA's paper of 1999 ("The Actual/Actual Day Count Fraction"): a count back from
    28 February stops at 29 February where there is one. It is contested, and Strata, whose values are published, leaves
    it out; with it the year from 28 February 2004 to 28 February 2005 would last 1 1/365 years.
    """
    if end < start:
        return -_afb_years(end, start)
    years = end.year - start.year
    if _years_before(end, years) < start:
        years -= 1
    rest_end = _years_before(end, years)
    return years + Fraction((rest_end - start).days, 366 if _has_29_february(start, rest_end) else 365)


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 2, 28)


def _has_29_february(start: date, end: date) -> bool:
    leap_days = (date(year, 3, 1) for year in range(start.year, end.year + 1) if ql.Date.isLeap(year))
    return any(start < march <= end for march in leap_days)


def _to_quantlib(day: date) -> Any:
    return ql.Date(day.day, day.month, day.year)
