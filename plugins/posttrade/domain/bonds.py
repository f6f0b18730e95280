"""Fixed-rate bonds: coupon schedule and accrued interest per 100 nominal. Schedules and day counts are QuantLib's."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import QuantLib as ql

from posttrade.domain.calendars import roll_following

DECIMALS = Decimal("0.0000000001")

_DAY_COUNTS = {
    "30/360": lambda: ql.Thirty360(ql.Thirty360.BondBasis),
    "30E/360": lambda: ql.Thirty360(ql.Thirty360.EurobondBasis),
    "30/360 US": lambda: ql.Thirty360(ql.Thirty360.USA),
    "ACT/360": lambda: ql.Actual360(),
    "ACT/365F": lambda: ql.Actual365Fixed(),
    "ACT/ACT ISDA": lambda: ql.ActualActual(ql.ActualActual.ISDA),
    "ACT/ACT AFB": lambda: ql.ActualActual(ql.ActualActual.AFB),
    "NL/365": lambda: ql.Actual365Fixed(ql.Actual365Fixed.NoLeap),
}
ICMA = "ACT/ACT ICMA"
DAY_COUNTS = (ICMA, *_DAY_COUNTS)


@dataclass(frozen=True)
class FixedRateBond:
    """The terms of a bond that pays a fixed coupon and 100 at maturity."""

    coupon_rate: Decimal
    """Percent of nominal a year."""
    coupon_frequency: int
    """Coupons a year: 1, 2, 4 or 12."""
    day_count: str
    """One of `DAY_COUNTS`."""
    issue_date: date
    first_coupon_date: date | None
    maturity_date: date
    market_mic: str

    def __post_init__(self) -> None:
        if self.day_count not in DAY_COUNTS:
            raise ValueError(f"day count {self.day_count!r} is not one of {', '.join(DAY_COUNTS)}")
        if self.coupon_frequency not in (1, 2, 4, 12):
            raise ValueError(f"coupon frequency {self.coupon_frequency} is not 1, 2, 4 or 12 a year")
        if self.issue_date >= self.maturity_date:
            raise ValueError(f"the bond matures on {self.maturity_date}, not after its issue on {self.issue_date}")
        if self.first_coupon_date and not self.issue_date < self.first_coupon_date <= self.maturity_date:
            raise ValueError(
                f"the first coupon falls on {self.first_coupon_date}, outside the life of the bond "
                f"from {self.issue_date} to {self.maturity_date}"
            )


@dataclass(frozen=True)
class Coupon:
    """One coupon per 100 nominal, with what is redeemed on its date."""

    period_start_date: date
    coupon_date: date
    """Unadjusted end of the period."""
    pay_date: date
    """Rolled to the next session of the market (Following)."""
    coupon_percent: Decimal
    redemption_percent: Decimal


def coupons(bond: FixedRateBond) -> list[Coupon]:
    """Every coupon of the bond, in order; amounts per 100 nominal, positive for the holder.

    Under ACT/ACT ICMA a regular period pays exactly rate / frequency and an odd one the sum over its quasi-coupon
    periods (ICMA Rule 251.1); under the other conventions every period pays by its days. Pay dates change no amount.

    Raises:
        ValueError: no schedule fits the dates of the bond, or its market is unknown.
    """
    try:
        return _coupons(bond)
    except RuntimeError as error:
        raise ValueError(f"no schedule of coupons fits its dates ({error})") from error


def _coupons(bond: FixedRateBond) -> list[Coupon]:
    flows = []
    for cash_flow in _quantlib_bond(bond).cashflows():
        coupon = ql.as_fixed_rate_coupon(cash_flow)
        if coupon is None:
            continue
        coupon_date = _to_date(coupon.accrualEndDate())
        flows.append(
            Coupon(
                _to_date(coupon.accrualStartDate()),
                coupon_date,
                roll_following(bond.market_mic, coupon_date),
                _to_decimal(coupon.amount()),
                Decimal(100) if coupon_date == bond.maturity_date else Decimal(0),
            )
        )
    return flows


def accrued_percents(bond: FixedRateBond, dates: list[date]) -> dict[date, Decimal]:
    """Accrued interest per 100 nominal when settled on each date; zero before the issue and from maturity on."""
    quantlib_bond = _quantlib_bond(bond)
    return {
        day: _to_decimal(quantlib_bond.accruedAmount(_to_quantlib(day))) if bond.issue_date < day < bond.maturity_date else Decimal(0)
        for day in dates
    }


def day_count_of(convention: str, start: date, end: date) -> int:
    """The days from `start` to `end` as a convention counts them; not for ACT/ACT ICMA, which needs a schedule."""
    return int(_DAY_COUNTS[convention]().dayCount(_to_quantlib(start), _to_quantlib(end)))


def year_fraction(convention: str, start: date, end: date) -> Decimal:
    """The years from `start` to `end` by a convention; not for ACT/ACT ICMA, which needs a schedule."""
    return _to_decimal(_DAY_COUNTS[convention]().yearFraction(_to_quantlib(start), _to_quantlib(end)))


def _quantlib_bond(bond: FixedRateBond) -> Any:
    schedule = _schedule(bond, _to_quantlib(bond.issue_date), bond.first_coupon_date)
    if bond.day_count == ICMA:
        day_count = ql.ActualActual(ql.ActualActual.ISMA, _quasi_coupon_schedule(bond, schedule))
    else:
        day_count = _DAY_COUNTS[bond.day_count]()
    return ql.FixedRateBond(0, 100.0, schedule, [float(bond.coupon_rate) / 100], day_count, ql.Unadjusted, 100.0)


def _schedule(bond: FixedRateBond, start: Any, first_coupon_date: date | None) -> Any:
    return ql.Schedule(
        start,
        _to_quantlib(bond.maturity_date),
        _period(bond),
        ql.NullCalendar(),
        ql.Unadjusted,
        ql.Unadjusted,
        ql.DateGeneration.Backward,
        _rolls_at_month_end(bond),
        _to_quantlib(first_coupon_date) if first_coupon_date else ql.Date(),
    )


def _quasi_coupon_schedule(bond: FixedRateBond, schedule: Any) -> Any:
    """The regular dates of the bond from before its issue on, against which an odd first period is measured.

    QuantLib puts only one quasi-coupon period before a long first one; the bond may need more.
    """
    regular = _schedule(bond, _to_quantlib(bond.issue_date) - _period(bond) - _period(bond), None)
    # A first coupon off the dates counted back from maturity leaves a second odd period; only its own schedule has it.
    return regular if set(list(schedule)[1:]) <= set(regular) else schedule


def _period(bond: FixedRateBond) -> Any:
    return ql.Period(12 // bond.coupon_frequency, ql.Months)


def _rolls_at_month_end(bond: FixedRateBond) -> bool:
    # A bond that matures on 30 November may pay on 30 or 31 May; its first coupon tells, where it is stated.
    anchors = [bond.maturity_date] + ([bond.first_coupon_date] if bond.first_coupon_date else [])
    return all(ql.Date.isEndOfMonth(_to_quantlib(day)) for day in anchors)


def _to_quantlib(day: date) -> Any:
    return ql.Date(day.day, day.month, day.year)


def _to_date(day: Any) -> date:
    return date(day.year(), day.month(), day.dayOfMonth())


def _to_decimal(amount: float) -> Decimal:
    # QuantLib works in binary; 15 significant digits bring back the decimal that was meant.
    return Decimal(format(amount, ".15g")).quantize(DECIMALS)
