"""A bond as a file of instruments states it, and the terms that follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import TypeVar

from posttrade.domain.bond_terms import Bond, ExCoupon, FixedRate, FloatingRate, OutstandingStep
from posttrade.domain.business_days import BusinessDayConvention, BusinessDays, is_month_end
from posttrade.domain.day_counts import ICMA
from posttrade.domain.schedules import CouponSchedule, Stub, regular_schedule

COUPON_FREQUENCIES = (1, 2, 4, 12)
T = TypeVar("T")


class Interest(StrEnum):
    """What the bonds of a product line pay."""

    FIXED = "fixed"
    FLOATING = "floating"
    NONE = "none"


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
    """Coupons a year: 1, 2, 4 or 12."""
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


def fixing_dates(stated: StatedBond) -> dict[date, date]:
    """The day whose fixing each interest period pays, by the first day of the period; empty where the rate does not float.

    Raises:
        ValueError: the terms contradict each other.
    """
    if stated.interest is not Interest.FLOATING:
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
        ex_coupon=_ex_coupon(stated),
        accrued_decimals=stated.accrued_decimals,
    )
    schedule.adjusted_dates(bond.accrual_days)  # refuses periods that the convention empties
    return bond


def _schedule(stated: StatedBond) -> CouponSchedule:
    issue, maturity = _needed(stated.issue_date, "issue_date"), _needed(stated.maturity_date, "maturity_date")
    first, last = stated.first_coupon_date, stated.last_coupon_date
    if issue >= maturity:
        raise ValueError(f"the bond matures on {maturity}, not after its issue on {issue}")
    if first and not issue < first <= maturity:
        raise ValueError(f"the first coupon falls on {first}, outside the life of the bond from {issue} to {maturity}")
    if last and not (first or issue) <= last < maturity:
        raise ValueError(f"the last coupon before maturity falls on {last}, outside the life of the bond from {issue} to {maturity}")
    if stated.interest is Interest.NONE:
        return CouponSchedule((issue, maturity), (issue, maturity))
    frequency = _needed(stated.coupon_frequency, "coupon_frequency")
    if frequency not in COUPON_FREQUENCIES:
        raise ValueError(f"coupon frequency {frequency} is not 1, 2, 4 or 12 a year")
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


def _interest(stated: StatedBond, fixings: Mapping[date, Decimal]) -> FixedRate | FloatingRate:
    floating = (stated.index_name, stated.spread, stated.rate_cap, stated.rate_floor, stated.fixing_days)
    if stated.interest is not Interest.FLOATING and any(term is not None for term in floating):
        raise ValueError("it has an index, spread, cap, floor or fixing days, and its product line pays no floating rate")
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
