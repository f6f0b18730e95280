"""A bond as a file of instruments states it, and the terms that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from posttrade.domain.bond_terms import Bond, ExCoupon, FixedRate, FloatingRate, OutstandingStep
from posttrade.domain.bonds import InterestPeriod, interest_periods
from posttrade.domain.business_days import BusinessDayConvention, BusinessDays, is_month_end
from posttrade.domain.day_counts import ICMA
from posttrade.domain.open_deals import DealTerms, OpenDeal
from posttrade.domain.overnight_indexes import OvernightIndex, overnight_indexes
from posttrade.domain.overnight_rates import OvernightRate
from posttrade.domain.schedules import CouponSchedule, Stub, regular_schedule

COUPON_FREQUENCIES = (1, 2, 3, 4, 6, 12)
T = TypeVar("T")


class Interest(StrEnum):
    """What the bonds of a product line pay."""

    FIXED = "fixed"
    FLOATING = "floating"
    NONE = "none"
    OPEN = "open"
    """A deal without an end, at a rate that may be agreed anew."""


@dataclass(frozen=True)
class StatedBond:
    """The cells of an instrument that make a bond; None where the cell is empty."""

    interest: Interest
    is_repaid_in_parts: bool
    """Whether the bond has a plan of repayments; else it repays 100 at maturity."""
    market_mic: str
    issue_date: date | None
    maturity_date: date | None
    coupon_rate: Decimal | None = None
    """Percent of nominal a year; of the first period where `step_rates` follow."""
    coupon_frequency: int | None = None
    """Coupons a year, one of `COUPON_FREQUENCIES`."""
    day_count: str | None = None
    first_coupon_date: date | None = None
    last_coupon_date: date | None = None
    stub: str | None = None
    is_month_end: str | None = None
    """`true` or `false`; empty: as maturity and first coupon date tell."""
    accrual_convention: str | None = None
    payment_convention: str | None = None
    business_calendar: str | None = None
    ex_coupon_days: int | None = None
    ex_coupon_calendar: str | None = None
    accrued_decimals: int | None = None
    step_rates: str | None = None
    index_name: str | None = None
    spread: Decimal | None = None
    """Percentage points."""
    rate_cap: Decimal | None = None
    rate_floor: Decimal | None = None
    fixing_days: int | None = None
    lookback_days: int | None = None
    """Needed where the index is an overnight rate; 0: none."""
    is_observation_shifted: str | None = None
    """`true` or `false`; empty: false."""
    lockout_days: int | None = None
    payment_delay_days: int | None = None
    rate_decimals: int | None = None
    listed_coupons: Mapping[date, Decimal | None] = field(default_factory=dict)
    """Coupon dates that no rule makes, unadjusted, with the maturity; where an amount is listed, the coupon in percent of the nominal
    outstanding. Empty: the dates follow from the other terms."""

    @property
    def overnight_index(self) -> OvernightIndex | None:
        """The overnight rate it pays compounded; None where it pays none."""
        return overnight_indexes().get(self.index_name or "") if self.interest is Interest.FLOATING else None


def fixing_dates(stated: StatedBond) -> dict[date, date]:
    """The day whose fixing each interest period pays, by the first day of the period; empty where none pays a single fixing.

    Raises:
        ValueError: the terms contradict each other.
    """
    if stated.interest is not Interest.FLOATING or stated.overnight_index:
        return {}
    starts = _schedule(stated).adjusted_dates(_business_days(stated, stated.accrual_convention, BusinessDayConvention.UNADJUSTED))[:-1]
    if not stated.fixing_days:
        return {start: start for start in starts}
    calendar = _business_days(stated, None, BusinessDayConvention.UNADJUSTED)
    return {start: calendar.days_before(start, stated.fixing_days) for start in starts}


def bond_of(stated: StatedBond, fixings: Mapping[date, Decimal], repayments: Mapping[date, Decimal]) -> Bond:
    """The terms of a stated bond.

    Args:
        stated: the cells of the instrument.
        fixings: its index in percent a year, by the day of the fixing.
        repayments: percent of the original nominal by coupon date, unadjusted; what is left is repaid at maturity.

    Raises:
        ValueError: the terms contradict each other or those of the product line, or no schedule fits the dates.
    """
    schedule = _schedule(stated)
    bond = Bond(
        schedule,
        stated.coupon_frequency or 1,
        ICMA if stated.interest is Interest.NONE else _needed(stated.day_count, "day_count"),
        _interest(stated, fixings),
        _outstanding(stated, schedule, repayments),
        accrual_days=_business_days(stated, stated.accrual_convention, BusinessDayConvention.UNADJUSTED),
        payment_days=_business_days(stated, stated.payment_convention, BusinessDayConvention.FOLLOWING),
        payment_delay_days=stated.payment_delay_days or 0,
        ex_coupon=_ex_coupon(stated),
        accrued_decimals=stated.accrued_decimals,
        coupon_amounts={day: amount for day, amount in stated.listed_coupons.items() if amount is not None},
    )
    schedule.adjusted_dates(bond.accrual_days)  # refuses periods that the convention empties
    return bond


def open_deal_of(stated: StatedBond, told: DealTerms) -> OpenDeal:
    """The terms of a stated deal without an end.

    Args:
        stated: the cells of the instrument; its coupon rate is the first one.
        told: the rates and the end that were told of the deal and hold.

    Raises:
        ValueError: the terms contradict each other.
    """
    start = _needed(stated.issue_date, "issue_date")
    fixed = {"maturity_date": stated.maturity_date, "coupon_frequency": stated.coupon_frequency, "step_rates": stated.step_rates}
    stated_anyhow = [name for name, value in fixed.items() if value is not None]
    if stated_anyhow:
        raise ValueError(f"it has a {stated_anyhow[0]}, and its product line runs until it is terminated")
    first_told = min([*told.rates, *told.end_dates], default=start)
    if first_told < start:
        raise ValueError(f"its terms of {first_told} hold from before its start on {start}")
    ends = sorted(told.end_dates)
    if len(ends) > 1:
        raise ValueError(f"it ends on {ends[0]} and on {ends[1]}; the end that does not hold is withdrawn")
    return OpenDeal(
        start,
        _needed(stated.day_count, "day_count"),
        {start: _needed(stated.coupon_rate, "coupon_rate")} | dict(told.rates),
        ends[0] if ends else None,
        _business_days(stated, stated.payment_convention, BusinessDayConvention.FOLLOWING),
    )


def end_of(stated: StatedBond, repayments: Mapping[date, Decimal], told: DealTerms) -> date | None:
    """The day on which the last of the nominal is repaid: the end of the last interest period that repays any, moved as its terms say.

    It is the last coupon date with a redemption that is recorded of the terms. Of terms that cannot be used none is recorded, and what is
    traded in them waits; whatever they come to mean, it is not taken to be too late before the last day that they name.

    Args:
        stated: the cells of the instrument.
        repayments: percent of the original nominal by coupon date, unadjusted.
        told: what was told of an open deal and holds.

    Returns:
        None where nothing ends: an open deal of which no end was told, or terms that name no day.
    """
    try:
        periods = _interest_periods(stated, repayments, told)
    except ValueError:
        return max([*told.end_dates, *([stated.maturity_date] if stated.maturity_date else [])], default=None)
    return max((one.coupon_date for one in periods if one.redemption_percent > 0), default=None)


def dates_gone_ex(stated: StatedBond, repayments: Mapping[date, Decimal], told: DealTerms) -> list[date]:
    """The first settlement dates without a coupon or a repayment, in order; what settles on either side of one is paid something else.

    Args:
        stated: the cells of the instrument.
        repayments: percent of the original nominal by coupon date, unadjusted.
        told: what was told of an open deal and holds.

    Returns:
        Empty where nothing is paid, and for terms that cannot be used: what is traded in them waits.
    """
    try:
        periods = _interest_periods(stated, repayments, told)
    except ValueError:
        return []
    coupons_gone = {one.ex_date or one.coupon_date for one in periods if stated.interest is not Interest.NONE}
    return sorted(coupons_gone | {one.coupon_date for one in periods if one.redemption_percent > 0})


def _interest_periods(stated: StatedBond, repayments: Mapping[date, Decimal], told: DealTerms) -> list[InterestPeriod]:
    if stated.interest is Interest.OPEN:
        return open_deal_of(stated, told).interest_periods()
    return interest_periods(bond_of(stated, {}, repayments))


def _schedule(stated: StatedBond) -> CouponSchedule:
    issue, maturity = _needed(stated.issue_date, "issue_date"), _needed(stated.maturity_date, "maturity_date")
    first, last = stated.first_coupon_date, stated.last_coupon_date
    if issue >= maturity:
        raise ValueError(f"the bond matures on {maturity}, not after its issue on {issue}")
    if first and not issue < first <= maturity:
        raise ValueError(f"the first coupon falls on {first}, outside the life of the bond from {issue} to {maturity}")
    if last and not (first or issue) <= last < maturity:
        raise ValueError(f"the last coupon before maturity falls on {last}, outside the life of the bond from {issue} to {maturity}")
    if stated.listed_coupons:
        return _listed_schedule(stated, issue, maturity)
    if stated.interest is Interest.NONE:
        return CouponSchedule((issue, maturity), (issue, maturity))
    frequency = _needed(stated.coupon_frequency, "coupon_frequency")
    if frequency not in COUPON_FREQUENCIES:
        raise ValueError(f"coupon frequency {frequency} is not one of {', '.join(map(str, COUPON_FREQUENCIES))} a year")
    # A bond that matures on 30 November may pay on 30 or 31 May; its first coupon tells, where it is stated.
    anchors = [maturity] + ([first] if first else [])
    at_month_end = all(is_month_end(day) for day in anchors) if stated.is_month_end is None else stated.is_month_end == "true"
    return regular_schedule(
        issue,
        maturity,
        12 // frequency,
        stub=Stub(stated.stub) if stated.stub else Stub.SHORT_INITIAL,
        first_coupon_date=first,
        last_coupon_date=last,
        is_month_end=at_month_end,
    )


def _listed_schedule(stated: StatedBond, issue: date, maturity: date) -> CouponSchedule:
    """The listed dates; under ACT/ACT ICMA each of their periods is a regular one, which bears its rate by the frequency."""
    if stated.interest is Interest.NONE:
        raise ValueError("its coupon dates are listed, and its product line pays no interest")
    days = sorted(stated.listed_coupons)
    if any(term is not None for term in (stated.stub, stated.last_coupon_date, stated.is_month_end)):
        raise ValueError("its coupon dates are listed, and it has a stub, last coupon date or month-end rule that makes them")
    if stated.first_coupon_date not in (None, days[0]):
        raise ValueError(f"its first coupon falls on {stated.first_coupon_date}, and the first that is listed on {days[0]}")
    if days[0] <= issue or days[-1] != maturity:
        raise ValueError(
            f"its listed coupons run from {days[0]} to {days[-1]}, not from after its issue on {issue} to its maturity on {maturity}"
        )
    if stated.interest is not Interest.FIXED and any(amount is not None for amount in stated.listed_coupons.values()):
        raise ValueError("amounts of its coupons are listed, and its product line pays no fixed rate")
    return CouponSchedule((issue, *days), (issue, *days))


def _interest(stated: StatedBond, fixings: Mapping[date, Decimal]) -> FixedRate | FloatingRate | OvernightRate:
    floating = (stated.index_name, stated.spread, stated.rate_cap, stated.rate_floor, stated.fixing_days)
    compounded = (stated.lookback_days, stated.is_observation_shifted, stated.lockout_days, stated.rate_decimals)
    if stated.interest is not Interest.FLOATING and any(term is not None for term in floating):
        raise ValueError("it has an index, spread, cap, floor or fixing days, and its product line pays no floating rate")
    if stated.interest is not Interest.FLOATING and any(term is not None for term in compounded):
        raise ValueError("it has a lookback, lockout or decimals of its rate, and its product line pays no floating rate")
    if stated.interest is not Interest.FIXED and (stated.coupon_rate or stated.step_rates):
        raise ValueError(f"it has the coupon rate {stated.step_rates or stated.coupon_rate}, and its product line pays no fixed rate")
    if stated.interest is Interest.NONE:
        return FixedRate((Decimal(0),))
    if stated.interest is Interest.FIXED:
        try:
            steps = tuple(Decimal(rate) for rate in (stated.step_rates or "").split())
        except InvalidOperation as error:
            raise ValueError(f"the step rates {stated.step_rates!r} are not numbers with a blank between") from error
        return FixedRate((_needed(stated.coupon_rate, "coupon_rate"), *steps))
    _needed(stated.index_name, "index_name")
    if stated.overnight_index:
        if stated.fixing_days is not None:
            raise ValueError(f"it has fixing days, and {stated.index_name} is an overnight rate, of which lookback_days say what counts")
        return OvernightRate(
            stated.spread or Decimal(0),
            BusinessDays(calendar=stated.overnight_index.calendar),
            stated.overnight_index.year_days,
            fixings,
            _needed(stated.lookback_days, "lookback_days"),
            stated.is_observation_shifted == "true",
            stated.lockout_days or 0,
            stated.rate_decimals,
            stated.rate_cap,
            stated.rate_floor,
        )
    if any(term is not None for term in compounded):
        raise ValueError(f"it has a lookback, lockout or decimals of its rate, and its index {stated.index_name} is no overnight rate")
    by_period = {start: fixings[day] for start, day in fixing_dates(stated).items() if day in fixings}
    return FloatingRate(stated.spread or Decimal(0), by_period, stated.rate_cap, stated.rate_floor)


def _outstanding(stated: StatedBond, schedule: CouponSchedule, repayments: Mapping[date, Decimal]) -> tuple[OutstandingStep, ...]:
    plan = {day: percent for day, percent in sorted(repayments.items()) if percent}
    if bool(plan) is not stated.is_repaid_in_parts:
        raise ValueError(
            "no repayment is on record, and its product line is repaid in parts"
            if stated.is_repaid_in_parts
            else f"a repayment is stated for {next(iter(plan))}, and its product line is repaid at once"
        )
    maturity = schedule.dates[-1]
    total = sum(plan.values())
    if total > 100 or (maturity in plan and total != 100):
        raise ValueError(f"the repayments add up to {total} percent of the nominal, not to 100")
    steps, left = [], Decimal(100)
    for day, percent in plan.items():
        left -= percent
        if day != maturity:
            steps.append(OutstandingStep(day, left / 100))
    return tuple(steps)


def _ex_coupon(stated: StatedBond) -> ExCoupon | None:
    if stated.ex_coupon_days is None:
        if stated.ex_coupon_calendar:
            raise ValueError(f"it has the ex-coupon calendar {stated.ex_coupon_calendar} and no ex-coupon days")
        return None
    if not stated.ex_coupon_calendar:
        return ExCoupon(stated.ex_coupon_days)
    return ExCoupon(stated.ex_coupon_days, True, BusinessDays(calendar=stated.ex_coupon_calendar))


def _business_days(stated: StatedBond, convention: str | None, otherwise: BusinessDayConvention) -> BusinessDays:
    return BusinessDays(BusinessDayConvention(convention) if convention else otherwise, stated.business_calendar or stated.market_mic)


def _needed(value: T | None, column: str) -> T:
    if value is None:
        raise ValueError(f"{column} is missing")
    return value
