"""Coupon schedules: the ends of a bond's interest periods and the regular dates odd ones are measured against."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

import QuantLib as ql

from posttrade.domain.business_days import BusinessDays
from posttrade.domain.business_days import is_month_end as ends_month

SMART_STUB_DAYS = 7


class Stub(StrEnum):
    """Where an odd period goes that the terms give no date for, and whether it is short or long."""

    NONE = "none"
    """There is no odd period; dates that need one are refused."""
    SHORT_INITIAL = "short initial"
    LONG_INITIAL = "long initial"
    SMART_INITIAL = "smart initial"
    """Short, but long where the short one would last less than seven days."""
    SHORT_FINAL = "short final"
    LONG_FINAL = "long final"
    SMART_FINAL = "smart final"
    """Short, but long where the short one would last less than seven days."""


_FINAL = (Stub.SHORT_FINAL, Stub.LONG_FINAL, Stub.SMART_FINAL)


@dataclass(frozen=True)
class CouponSchedule:
    """The unadjusted dates of the interest periods of a bond."""

    dates: tuple[date, ...]
    """The start of interest, then the end of each period; the last is the maturity."""
    regular_dates: tuple[date, ...]
    """Coupon dates as they would be without odd periods, from the start or before it to the maturity or after it."""
    is_month_end: bool = False
    """Whether regular dates fall on the last day of the month."""

    def __post_init__(self) -> None:
        if len(self.dates) < 2 or any(later <= earlier for earlier, later in zip(self.dates, self.dates[1:], strict=False)):
            raise ValueError(f"no schedule of coupons fits its dates (they do not rise: {' '.join(map(str, self.dates))})")

    def adjusted_dates(self, days: BusinessDays) -> tuple[date, ...]:
        """The dates moved to open days.

        Raises:
            ValueError: two dates fall together, or the market is unknown.
        """
        return CouponSchedule(tuple(days.adjust(day) for day in self.dates), self.regular_dates).dates


def regular_schedule(
    start: date,
    maturity: date,
    months: int,
    *,
    stub: Stub = Stub.SHORT_INITIAL,
    first_coupon_date: date | None = None,
    last_coupon_date: date | None = None,
    is_month_end: bool = False,
) -> CouponSchedule:
    """The schedule of a bond that pays every so many months.

    Dates are counted back from the last coupon before maturity, or from maturity, each from that day and not from the
    one before (the 30th comes back after February); with a final stub forward from the first coupon, or from the start.

    Args:
        start: the day interest starts.
        maturity: the last day of interest.
        months: of a regular period.
        stub: what becomes of the odd rest.
        first_coupon_date: the end of the first period, where the terms give it.
        last_coupon_date: the last coupon before the maturity, where the terms give it.
        is_month_end: whether coupons fall on the last day of the month; only if the date counted from is such a day.

    Raises:
        ValueError: no schedule fits the dates.
    """
    first, last = first_coupon_date or start, last_coupon_date or maturity
    if not start <= first <= last <= maturity or start == maturity:
        raise ValueError(f"no schedule of coupons fits its dates (start {start}, first {first}, last {last}, maturity {maturity})")
    anchor = first if stub in _FINAL else last
    at_month_end = is_month_end and ends_month(anchor)
    try:
        grid = _grid(anchor, start, maturity, months, at_month_end)
    except RuntimeError as error:
        raise ValueError(f"no schedule of coupons fits its dates ({error})") from error
    inner = [day for day in grid if first < day < last]
    has_initial, has_final = first_coupon_date is None and start not in grid, last_coupon_date is None and maturity not in grid
    if stub is Stub.NONE and (has_initial or has_final or first_coupon_date or last_coupon_date):
        raise ValueError(f"no schedule of coupons fits its dates (an odd period is needed from {start} to {maturity})")
    if inner and has_initial and _is_merged(stub, Stub.LONG_INITIAL, Stub.SMART_INITIAL, (inner[0] - start).days):
        inner = inner[1:]
    if inner and has_final and _is_merged(stub, Stub.LONG_FINAL, Stub.SMART_FINAL, (maturity - inner[-1]).days):
        inner = inner[:-1]
    return CouponSchedule(tuple(sorted({start, first, *inner, last, maturity})), grid, at_month_end)


def _is_merged(stub: Stub, long: Stub, smart: Stub, days: int) -> bool:
    return stub is long or (stub is smart and days < SMART_STUB_DAYS)


def _grid(anchor: date, start: date, maturity: date, months: int, at_month_end: bool) -> tuple[date, ...]:
    """Regular dates counted from the anchor both ways, two periods beyond the start and the maturity."""
    margin = ql.Period(3 * months, ql.Months)
    seed = _to_quantlib(anchor)
    # The outermost date is where QuantLib was told to stop, not one that it counted.
    earlier = list(_quantlib_schedule(_to_quantlib(start) - margin, seed, months, ql.DateGeneration.Backward, at_month_end))[1:]
    later = list(_quantlib_schedule(seed, _to_quantlib(maturity) + margin, months, ql.DateGeneration.Forward, at_month_end))[:-1]
    return tuple(sorted({date(day.year(), day.month(), day.dayOfMonth()) for day in earlier + later}))


def _quantlib_schedule(start: Any, end: Any, months: int, direction: int, at_month_end: bool) -> Any:
    return ql.Schedule(start, end, ql.Period(months, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted, direction, at_month_end)


def _to_quantlib(day: date) -> Any:
    return ql.Date(day.day, day.month, day.year)
