"""The terms of bonds: what they pay interest on, at which rate, when, and when they are repaid."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from posttrade.domain.business_days import BusinessDays
from posttrade.domain.day_counts import DAY_COUNTS
from posttrade.domain.overnight_rates import OvernightRate
from posttrade.domain.schedules import CouponSchedule


@dataclass(frozen=True)
class FixedRate:
    """Interest fixed at issue, the same for every period or stepping up or down."""

    rates: tuple[Decimal, ...]
    """Percent a year, one for each period in turn; the last one stays. (0,) for a bond without interest."""

    def __post_init__(self) -> None:
        if not self.rates:
            raise ValueError("a fixed rate needs at least one rate; a bond without interest has the rate 0")

    def rate_percent(self, number: int, _period_start_date: date) -> Decimal:
        """The rate of a period, percent a year; `number` counts from zero."""
        return self.rates[min(number, len(self.rates) - 1)]


@dataclass(frozen=True)
class FloatingRate:
    """Interest that follows an index: fixing + spread, held between floor and cap."""

    spread: Decimal
    """Percentage points over the index, any sign."""
    fixings: Mapping[date, Decimal] = field(default_factory=dict)
    """The index in percent a year, by the first day of the interest period it is for (not the day it was fixed)."""
    cap: Decimal | None = None
    """Highest rate paid, spread included; percent a year."""
    floor: Decimal | None = None
    """Lowest rate paid, spread included; percent a year. Without one the rate may be negative."""

    def __post_init__(self) -> None:
        if self.cap is not None and self.floor is not None and self.floor > self.cap:
            raise ValueError(f"the floor {self.floor} lies above the cap {self.cap}")

    def rate_percent(self, _number: int, period_start_date: date) -> Decimal | None:
        """The rate of the period that starts on that day, percent a year; None before its fixing is known."""
        if period_start_date not in self.fixings:
            return None
        rate = self.fixings[period_start_date] + self.spread
        if self.cap is not None:
            rate = min(rate, self.cap)
        return rate if self.floor is None else max(rate, self.floor)


@dataclass(frozen=True)
class OutstandingStep:
    """From a coupon date on, only a part of the nominal is still outstanding."""

    from_date: date
    """A date of the schedule, unadjusted."""
    factor: Decimal
    """Part of the original nominal, 0 to 1 (the pool factor)."""


@dataclass(frozen=True)
class ExCoupon:
    """The days before a coupon on which the bond trades without it, so that the buyer is paid interest back."""

    days: int
    """How long before the coupon date the first settlement without it lies: 7 days in Australia; 6 business days for UK
    gilts, whose ex-dividend date is the 7th business day before the coupon and still carries it."""
    are_business_days: bool = False
    """Whether only days on which `calendar` is open count."""
    calendar: BusinessDays = field(default_factory=BusinessDays)
    """The calendar, and where a first day without coupon goes that is closed; counted in calendar days it may be."""

    def ex_date(self, coupon_date: date) -> date:
        """The first day on which a settlement no longer carries the coupon."""
        if self.are_business_days:
            return self.calendar.days_before(coupon_date, self.days)
        return self.calendar.adjust(coupon_date - timedelta(days=self.days))


@dataclass(frozen=True)
class Bond:
    """The terms of a bond of any kind: fixed, stepping or floating rate, zero coupon, bullet or amortising."""

    schedule: CouponSchedule
    frequency: int
    """Regular coupons a year; ACT/ACT ICMA and ACT/365L look at it."""
    day_count: str
    """One of `DAY_COUNTS`."""
    interest: FixedRate | FloatingRate | OvernightRate
    outstanding: tuple[OutstandingStep, ...] = ()
    """Falling factors in order of date, from 1; the rest is redeemed at maturity. Empty for a bullet."""
    accrual_days: BusinessDays = field(default_factory=BusinessDays)
    """Where the ends of interest periods go; unadjusted on most bonds, modified following on most floaters."""
    payment_days: BusinessDays = field(default_factory=BusinessDays)
    """Where payments go; changes no amount."""
    payment_delay_days: int = 0
    """Business days of `payment_days` from the end of an interest period to its payment; at maturity none (ARRC, payment delay)."""
    coupon_amounts: Mapping[date, Decimal] = field(default_factory=dict)
    """Coupons of a fixed rate that are stated as such, percent of the nominal outstanding, by their date of the schedule; a part of such
    a period bears the part of it that its days are by the day count."""
    ex_coupon: ExCoupon | None = None
    accrued_decimals: int | None = None
    """Decimals accrued interest per 100 is rounded to, half-up, where the market does (3 in Australia)."""

    def __post_init__(self) -> None:
        if self.day_count not in DAY_COUNTS:
            raise ValueError(f"day count {self.day_count!r} is not one of {', '.join(DAY_COUNTS)}")
        if self.frequency < 1:
            raise ValueError(f"frequency {self.frequency} is not a number of coupons a year")
        factor, previous_date = Decimal(1), None
        for step in self.outstanding:
            if step.from_date not in self.schedule.dates[:-1]:
                raise ValueError(f"the outstanding nominal changes on {step.from_date}, which is no coupon date before maturity")
            if previous_date is not None and step.from_date <= previous_date:
                raise ValueError(f"the outstanding nominal of {step.from_date} follows that of {previous_date}")
            if not 0 <= step.factor <= factor:
                raise ValueError(f"the outstanding nominal rises or is negative on {step.from_date}: {factor} to {step.factor}")
            factor, previous_date = step.factor, step.from_date
