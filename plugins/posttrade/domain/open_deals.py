"""Money lent until it is called: a deal without an end, at a rate that is agreed anew from time to time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from posttrade.domain.bonds import Coupon, InterestPeriod
from posttrade.domain.business_days import BusinessDays
from posttrade.domain.day_counts import to_decimal, years_between

ONE_DAY = timedelta(days=1)


class DealState(StrEnum):
    """What is told of an open deal from a day on."""

    RUNNING = "RUNNING"
    """It bears the rate that is told with it."""
    TERMINATED = "TERMINATED"
    """It ends on the day, and is paid back with its interest."""
    WITHDRAWN = "WITHDRAWN"
    """The rate or the end that was told of the day before does not hold."""


class ToldOf(StrEnum):
    """What one thing told of an open deal is about; a day may have both."""

    RATE = "RATE"
    END = "END"


@dataclass(frozen=True)
class DealTerms:
    """What was told of an open deal and has not been withdrawn."""

    rates: Mapping[date, Decimal] = field(default_factory=dict)
    """Percent a year, by the first day that each holds for."""
    end_dates: frozenset[date] = frozenset()
    """The days that it is said to end on; more than one contradict each other."""


@dataclass(frozen=True)
class OpenDeal:
    """An open-ended deal; per 100 of its nominal.

    Interest is simple: each rate holds from its day on until the next, and all of it is paid with the nominal when the deal ends (ICMA
    ERCC, A Guide to Best Practice in the European Repo Market: open repos).
    """

    start_date: date
    """The first day of interest."""
    day_count: str
    """One of `DAY_COUNTS` that looks at nothing but the two dates."""
    rates: Mapping[date, Decimal]
    """Percent a year, by the first day that each holds for; one for `start_date`."""
    end_date: date | None = None
    """The day it ended: the first that bears no interest; None while it runs."""
    payment_days: BusinessDays = field(default_factory=BusinessDays)
    """Where the payment of the end goes."""

    def __post_init__(self) -> None:
        years_between(self.day_count, self.start_date, self.start_date + ONE_DAY)  # refuses conventions that look at coupons
        if min(self.rates, default=None) != self.start_date:
            raise ValueError(
                f"the first rate of the deal holds from {min(self.rates, default=None)}, not from its start on {self.start_date}"
            )
        if self.end_date is not None and self.end_date <= self.start_date:
            raise ValueError(f"the deal ends on {self.end_date}, not after its start on {self.start_date}")

    def accrued_percent(self, day: date) -> Decimal:
        """Interest accrued when settled on the day, positive for the lender; zero before the start and from the end on."""
        if day <= self.start_date or (self.end_date is not None and day >= self.end_date):
            return Decimal(0)
        return to_decimal(self._interest_percent(day))

    def interest_periods(self) -> list[InterestPeriod]:
        """The one period of a deal that has ended, with the nominal paid back; none while it runs."""
        if self.end_date is None:
            return []
        pay_date = self.payment_days.adjust(self.end_date)
        return [InterestPeriod(self.start_date, self.end_date, pay_date, None, Decimal(1), Decimal(100))]

    def coupons(self) -> list[Coupon]:
        """Its interest with the nominal, once it has ended."""
        return [
            Coupon(one.period_start_date, one.coupon_date, one.pay_date, to_decimal(self._interest_percent(one.coupon_date)), Decimal(100))
            for one in self.interest_periods()
        ]

    def _interest_percent(self, day: date) -> Fraction:
        since = [one for one in sorted(self.rates) if one < day]
        return sum(
            (Fraction(self.rates[first]) * years_between(self.day_count, first, last) for first, last in pairwise([*since, day])),
            Fraction(0),
        )
