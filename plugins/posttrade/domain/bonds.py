"""Coupons, redemptions and accrued interest of bonds per 100 nominal."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from posttrade.domain.bond_terms import Bond, ExCoupon, FixedRate, FloatingRate, OutstandingStep
from posttrade.domain.day_counts import DAY_COUNTS, ICMA, InterestPeriodTerms, icma_years, needs_schedule, to_decimal, years_between
from posttrade.domain.overnight_rates import OvernightRate

__all__ = [
    "DAY_COUNTS",
    "ICMA",
    "Bond",
    "Coupon",
    "ExCoupon",
    "FixedRate",
    "FloatingRate",
    "InterestPeriod",
    "OutstandingStep",
    "OvernightRate",
    "accrued_percents",
    "coupons",
    "fixing_dates_observed",
    "fixing_missing",
    "interest_periods",
]


@dataclass(frozen=True)
class InterestPeriod:
    """One interest period of a bond, with all that is known of it before its rate is fixed."""

    period_start_date: date
    """First day of interest."""
    coupon_date: date
    """First day that no longer bears interest; an open day only if the terms adjust interest periods."""
    pay_date: date
    ex_date: date | None
    """First settlement date without this coupon; None for a bond that has no ex-coupon period."""
    outstanding_factor: Decimal
    """Part of the original nominal that bears interest in the period."""
    redemption_percent: Decimal
    """Repaid on the pay date, per 100 of original nominal."""


@dataclass(frozen=True)
class Coupon:
    """One coupon per 100 of original nominal, with what is redeemed on its date."""

    period_start_date: date
    coupon_date: date
    """End of the period; an open day only if the terms adjust interest periods."""
    pay_date: date
    """Moved to an open day, as the terms say."""
    coupon_percent: Decimal
    redemption_percent: Decimal


def interest_periods(bond: Bond) -> list[InterestPeriod]:
    """Every interest period of the bond, in order.

    Raises:
        ValueError: a period is empty once its ends are moved to open days, or a calendar is unknown.
    """
    nominal_dates = bond.schedule.dates
    dates = bond.schedule.adjusted_dates(bond.accrual_days)
    factors = [_factor_on(bond, day) for day in nominal_dates[:-1]] + [Decimal(0)]
    return [
        InterestPeriod(
            dates[number],
            dates[number + 1],
            _pay_date(bond, nominal_dates[number + 1]),
            bond.ex_coupon.ex_date(nominal_dates[number + 1]) if bond.ex_coupon else None,
            factors[number],
            100 * (factors[number] - factors[number + 1]),
        )
        for number in range(len(dates) - 1)
    ]


def coupons(bond: Bond) -> list[Coupon]:
    """Every coupon of the bond whose rate is known, in order; amounts per 100 of original nominal, positive for the holder.

    Under ACT/ACT ICMA a regular period pays exactly rate / frequency and an odd one the sum over its quasi-coupon
    periods (ICMA Rule 251.1); under the other conventions every period pays by its days. Pay dates change no amount.
    Periods of a floating rate whose fixings are not all known yet are left out; `interest_periods` has their dates and redemptions.

    Raises:
        ValueError: a period is empty once its ends are moved to open days, or a calendar is unknown.
    """
    flows = []
    for number, period in enumerate(interest_periods(bond)):
        percent = _interest_percent(bond, number, period, period.period_start_date, period.coupon_date)
        if percent is None:
            continue
        flows.append(Coupon(period.period_start_date, period.coupon_date, period.pay_date, to_decimal(percent), period.redemption_percent))
    return flows


def accrued_percents(bond: Bond, dates: Iterable[date]) -> dict[date, Decimal]:
    """Accrued interest per 100 of original nominal when settled on each date; zero before the start and from maturity on.

    Positive for the seller. From the ex-date of a coupon on the seller keeps it whole and owes the buyer the interest
    from the settlement to the coupon date: accrued interest is negative (UK DMO, Formulae for Calculating Gilt Prices
    from Yields).

    Raises:
        ValueError: a period is empty once its ends are moved to open days, a calendar is unknown, or a floating rate has no fixing yet
            on a day later than the first of its period.
    """
    periods = interest_periods(bond)
    return {day: _accrued_percent(bond, periods, day) for day in dates}


def fixing_dates_observed(bond: Bond) -> dict[date, list[date]]:
    """The days whose fixings each interest period is compounded from, by the first day of the period, in order and each once.

    Empty for a bond that pays no compounded rate; periods that begin after the last known fixing are left out.

    Raises:
        ValueError: a period is empty once its ends are moved to open days, or has no more business days than are locked out.
    """
    interest = bond.interest
    if not isinstance(interest, OvernightRate) or not interest.fixings:
        return {}
    last_fixing_date = max(interest.fixings)
    observed = {}
    for period in interest_periods(bond):
        start, end = period.period_start_date, period.coupon_date
        if interest.calendar.days_before(start, interest.lookback_days) > last_fixing_date:
            break
        observed[start] = list(dict.fromkeys(one.fixing_date for one in interest.observations(start, end, end)))
    return observed


def fixing_missing(bond: Bond, day: date) -> date | None:
    """The first day whose fixing is not known and needed for the interest accrued on `day`; None for a bond without a compounded rate."""
    interest = bond.interest
    running = next((one for one in interest_periods(bond) if one.period_start_date <= day < one.coupon_date), None)
    if not isinstance(interest, OvernightRate) or running is None or day == running.period_start_date:
        return None
    until = running.coupon_date if running.ex_date is not None and day >= running.ex_date else day
    needed = interest.observations(running.period_start_date, running.coupon_date, until)
    return next((one.fixing_date for one in needed if one.fixing_date not in interest.fixings), None)


def _accrued_percent(terms: Bond, periods: list[InterestPeriod], day: date) -> Decimal:
    running = next(((number, one) for number, one in enumerate(periods) if one.period_start_date <= day < one.coupon_date), None)
    if running is None:
        return Decimal(0)
    number, period = running
    if day == period.period_start_date and (period.ex_date is None or day < period.ex_date):
        return Decimal(0)
    is_ex = period.ex_date is not None and day >= period.ex_date
    start, end = (day, period.coupon_date) if is_ex else (period.period_start_date, day)
    interest = _interest_percent(terms, number, period, start, end)
    if interest is None:
        needed = "fixings" if isinstance(terms.interest, OvernightRate) else "fixing"
        raise ValueError(f"accrued interest on {day} needs the {needed} of the period from {period.period_start_date}")
    percent = to_decimal(-interest if is_ex else interest)
    if terms.accrued_decimals is not None:
        return percent.quantize(Decimal(1).scaleb(-terms.accrued_decimals), ROUND_HALF_UP)
    return percent


def _interest_percent(terms: Bond, number: int, period: InterestPeriod, start: date, end: date) -> Fraction | None:
    """The interest of a part of a period per 100 of original nominal; None while a fixing that it needs is not known."""
    if isinstance(terms.interest, OvernightRate):
        earlier, later = (_compounded_percent(terms, terms.interest, period, day) for day in (start, end))
        return None if earlier is None or later is None else later - earlier
    amount = terms.coupon_amounts.get(terms.schedule.dates[number + 1])
    if amount is not None:
        part = _years(terms, period, start, end) / _years(terms, period, period.period_start_date, period.coupon_date)
        return Fraction(amount) * Fraction(period.outstanding_factor) * part
    rate = terms.interest.rate_percent(number, period.period_start_date)
    return None if rate is None else Fraction(rate) * Fraction(period.outstanding_factor) * _years(terms, period, start, end)


def _compounded_percent(terms: Bond, interest: OvernightRate, period: InterestPeriod, day: date) -> Fraction | None:
    """The interest from the start of the period to a day."""
    if day == period.period_start_date:
        return Fraction(0)
    rate = interest.rate_percent(period.period_start_date, period.coupon_date, day)
    return None if rate is None else rate * Fraction(period.outstanding_factor) * _years(terms, period, period.period_start_date, day)


def _years(terms: Bond, period: InterestPeriod, start: date, end: date) -> Fraction:
    schedule = terms.schedule
    if needs_schedule(terms.day_count):
        return icma_years(schedule.regular_dates, terms.frequency, start, end)
    looked_at = InterestPeriodTerms(
        period.period_start_date, period.coupon_date, terms.frequency, schedule.is_month_end, schedule.dates[-1]
    )
    return years_between(terms.day_count, start, end, looked_at)


def _pay_date(terms: Bond, nominal_date: date) -> date:
    pay_date = terms.payment_days.adjust(nominal_date)
    if nominal_date == terms.schedule.dates[-1]:
        return pay_date
    return terms.payment_days.days_after(pay_date, terms.payment_delay_days)


def _factor_on(terms: Bond, day: date) -> Decimal:
    return next((step.factor for step in reversed(terms.outstanding) if step.from_date <= day), Decimal(1))
