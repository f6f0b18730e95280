"""Bonds other than plain fixed-rate ones: zero coupon, stepping, floating, amortising, ex-coupon; by hand and by QuantLib."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from posttrade.domain.bonds import (
    Bond,
    ExCoupon,
    FixedRate,
    FloatingRate,
    OutstandingStep,
    accrued_percents,
    coupons,
    interest_periods,
)
from posttrade.domain.business_days import BusinessDayConvention, BusinessDays
from posttrade.domain.day_counts import DAY_COUNTS, ICMA, icma_years, years_between
from posttrade.domain.schedules import Stub, regular_schedule
from posttrade.domain.stated_bonds import Interest, StatedBond, bond_of

TARGET_MODIFIED = BusinessDays(BusinessDayConvention.MODIFIED_FOLLOWING, "TARGET")


def bond(start: str, maturity: str, interest: FixedRate | FloatingRate, *, months: int = 12, day_count: str = "ACT/ACT ICMA") -> Bond:
    schedule = regular_schedule(date.fromisoformat(start), date.fromisoformat(maturity), months)
    return Bond(schedule, 12 // months, day_count, interest)


def steps(*factors: tuple[str, str]) -> tuple[OutstandingStep, ...]:
    return tuple(OutstandingStep(date.fromisoformat(day), Decimal(factor)) for day, factor in factors)


def fixed(*rates: str) -> FixedRate:
    return FixedRate(tuple(Decimal(rate) for rate in rates))


def accrued(terms: Bond, day: str) -> Decimal:
    return next(iter(accrued_percents(terms, [date.fromisoformat(day)]).values()))


def test_a_zero_coupon_bond_pays_100_at_maturity_and_accrues_nothing() -> None:
    stated = StatedBond(Interest.NONE, False, "XETR", date(2024, 3, 1), date(2026, 3, 1), business_calendar="TARGET")
    terms = bond_of(stated, {}, {})
    only = coupons(terms)
    assert [(str(one.coupon_date), str(one.pay_date), one.coupon_percent, one.redemption_percent) for one in only] == [
        ("2026-03-01", "2026-03-02", 0, 100)  # Sunday, pays on Monday
    ]
    assert {accrued(terms, "2024-03-01"), accrued(terms, "2025-06-30"), accrued(terms, "2026-03-01")} == {Decimal(0)}


def test_a_floater_pays_fixing_plus_spread_between_floor_and_cap() -> None:
    """Quarters of 90, 91, 92 and 92 days on ACT/360; the last is not fixed yet."""
    fixings = {date(2025, 1, 15): Decimal("2.70"), date(2025, 4, 15): Decimal("-1.20"), date(2025, 7, 15): Decimal("6.00")}
    interest = FloatingRate(Decimal("0.50"), fixings, cap=Decimal("5.00"), floor=Decimal("0.00"))
    terms = bond("2025-01-15", "2026-01-15", interest, months=3, day_count="ACT/360")
    assert [(str(one.coupon_date), one.coupon_percent) for one in coupons(terms)] == [
        ("2025-04-15", Decimal("0.8000000000")),  # 3.20 x 90 / 360
        ("2025-07-15", Decimal(0)),  # -0.70, floored at 0
        ("2025-10-15", (Decimal(5) * 92 / 360).quantize(Decimal("1e-10"))),  # 6.50, capped at 5
    ]
    assert accrued(terms, "2025-02-15") == (Decimal("3.20") * 31 / 360).quantize(Decimal("1e-10"))
    assert [(str(one.coupon_date), one.redemption_percent) for one in interest_periods(terms)][-1] == ("2026-01-15", 100)
    with pytest.raises(ValueError, match="accrued interest on 2025-11-01 needs the fixing of the period from 2025-10-15"):
        accrued(terms, "2025-11-01")


def test_without_a_floor_a_floater_may_pay_negative_interest() -> None:
    terms = bond("2025-01-15", "2026-01-15", FloatingRate(Decimal("0.10"), {date(2025, 1, 15): Decimal("-0.55")}), day_count="ACT/360")
    assert [one.coupon_percent for one in coupons(terms)] == [(Decimal("-0.45") * 365 / 360).quantize(Decimal("1e-10"))]


def test_interest_of_a_floater_runs_between_open_days() -> None:
    """15 November 2025 is a Saturday: the quarter ends on Monday the 17th and bears two days more."""
    interest = FloatingRate(Decimal(0), {date(2025, 8, 15): Decimal("3.60"), date(2025, 11, 17): Decimal("3.60")})
    terms = replace(
        bond("2025-08-15", "2026-02-15", interest, months=3, day_count="ACT/360"),
        accrual_days=TARGET_MODIFIED,
        payment_days=TARGET_MODIFIED,
    )
    assert [(str(one.period_start_date), str(one.coupon_date), str(one.pay_date), one.coupon_percent) for one in coupons(terms)] == [
        ("2025-08-15", "2025-11-17", "2025-11-17", Decimal("0.94")),
        ("2025-11-17", "2026-02-16", "2026-02-16", Decimal("0.91")),
    ]


def test_a_step_up_bond_pays_its_rates_in_turn_and_keeps_the_last() -> None:
    terms = bond("2024-05-02", "2028-05-02", fixed("2", "2.5", "3"))
    assert [one.coupon_percent for one in coupons(terms)] == [2, Decimal("2.5"), 3, 3]


def test_an_amortising_bond_pays_interest_on_what_is_outstanding() -> None:
    terms = replace(bond("2024-05-02", "2027-05-02", fixed("6")), outstanding=steps(("2025-05-02", "0.75"), ("2026-05-02", "0.25")))
    assert [(one.coupon_percent, one.redemption_percent) for one in coupons(terms)] == [
        (6, 25),
        (Decimal("4.5"), 50),
        (Decimal("1.5"), 25),
    ]
    assert accrued(terms, "2025-11-02") == (Decimal("4.5") * 184 / 365).quantize(Decimal("1e-10"))


def test_interest_is_owed_back_from_the_ex_date_on() -> None:
    """Seven days before the coupon of 15 August 2025, which ends a period of 181 days."""
    terms = replace(bond("2025-02-15", "2030-02-15", fixed("6"), months=6), ex_coupon=ExCoupon(7))
    assert [accrued(terms, day) for day in ("2025-08-07", "2025-08-08", "2025-08-14", "2025-08-15")] == [
        (Decimal(3) * 173 / 181).quantize(Decimal("1e-10")),
        -(Decimal(3) * 7 / 181).quantize(Decimal("1e-10")),
        -(Decimal(3) * 1 / 181).quantize(Decimal("1e-10")),
        0,
    ]


def test_ex_dates_count_open_days_of_their_calendar() -> None:
    """Six business days before Monday 7 June 2021, over the bank holiday of 31 May: Wednesday 26 May 2021 is the 7th."""
    rule = ExCoupon(6, are_business_days=True, calendar=BusinessDays(calendar="UK-SETTLEMENT"))
    assert rule.ex_date(date(2021, 6, 7)) == date(2021, 5, 27)


def test_accrued_interest_is_rounded_where_the_market_rounds_it() -> None:
    terms = replace(bond("2025-02-15", "2030-02-15", fixed("6"), months=6), accrued_decimals=3)
    assert accrued(terms, "2025-02-16") == Decimal("0.017")  # 3 / 181 = 0.01657


def test_an_odd_last_period_is_measured_forward_from_the_last_coupon() -> None:
    """Long: from 30 November 2024 a regular half-year of 181 days and 31 of the 184 that follow."""
    schedule = regular_schedule(date(2023, 11, 30), date(2025, 6, 30), 6, last_coupon_date=date(2024, 11, 30), is_month_end=True)
    last = coupons(Bond(schedule, 2, ICMA, fixed("4")))[-1]
    assert str(last.period_start_date) == "2024-11-30"
    assert last.coupon_percent == (4 * (Decimal(182) / (2 * 182) + Decimal(30) / (2 * 183))).quantize(Decimal("1e-10"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"frequency": 0}, "frequency 0 is not a number of coupons a year"),
        ({"outstanding": steps(("2025-06-01", "0.5"))}, "changes on 2025-06-01, which is no coupon date before maturity"),
        ({"outstanding": steps(("2027-05-02", "0"))}, "changes on 2027-05-02, which is no coupon date before maturity"),
        ({"outstanding": steps(("2025-05-02", "1.1"))}, "rises or is negative on 2025-05-02"),
        ({"outstanding": steps(("2025-05-02", "-0.1"))}, "rises or is negative on 2025-05-02"),
        ({"outstanding": steps(("2026-05-02", "0.5"), ("2025-05-02", "0.4"))}, "of 2025-05-02 follows that of 2026-05-02"),
    ],
)
def test_terms_that_contradict_each_other_are_named(change: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        replace(bond("2024-05-02", "2027-05-02", fixed("6")), **change)  # type: ignore[arg-type]


def test_rates_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="needs at least one rate"):
        fixed()
    with pytest.raises(ValueError, match="the floor 3 lies above the cap 2"):
        FloatingRate(Decimal(0), cap=Decimal(2), floor=Decimal(3))


def test_day_counts_that_cannot_be_told_are_refused() -> None:
    with pytest.raises(ValueError, match="day count 'ACT/ACT ICMA' is not one of 30/360"):
        years_between("ACT/ACT ICMA", date(2025, 1, 1), date(2025, 7, 1))
    with pytest.raises(ValueError, match="regular dates are known from 2025-01-01 to 2025-07-01"):
        icma_years([date(2025, 1, 1), date(2025, 7, 1)], 2, date(2024, 12, 31), date(2025, 3, 1))


LIVES = st.tuples(st.dates(date(1995, 1, 1), date(2030, 1, 1)), st.integers(40, 12 * 365))


@settings(max_examples=80, deadline=None)
@given(LIVES, st.sampled_from([1, 3, 6, 12]), st.sampled_from(list(Stub)), st.booleans())
def test_schedules_run_from_start_to_maturity_on_regular_dates(life: tuple[date, int], months: int, stub: Stub, month_end: bool) -> None:
    start, maturity = life[0], life[0] + timedelta(days=life[1])
    try:
        schedule = regular_schedule(start, maturity, months, stub=stub, is_month_end=month_end)
    except ValueError as error:
        assert stub is Stub.NONE
        assert "an odd period is needed" in str(error)
        return
    assert (schedule.dates[0], schedule.dates[-1]) == (start, maturity)
    assert set(schedule.dates[1:-1]) <= set(schedule.regular_dates)
    assert schedule.regular_dates[0] <= start
    assert schedule.regular_dates[-1] >= maturity
    years = icma_years(schedule.regular_dates, 12 // months, start, maturity)
    assert abs(years - Fraction(life[1], 365)) < Fraction(1, 12)


QUANTLIB = {
    "ACT/ACT ISDA": lambda _: ql.ActualActual(ql.ActualActual.ISDA),
    "30/360": lambda _: ql.Thirty360(ql.Thirty360.BondBasis),
    "30E/360": lambda _: ql.Thirty360(ql.Thirty360.EurobondBasis),
    "30E/360 ISDA": lambda maturity: ql.Thirty360(ql.Thirty360.ISDA, maturity),
    "30/360 US": lambda _: ql.Thirty360(ql.Thirty360.USA),
    "30/365": lambda _: ql.Thirty365(),
    "ACT/360": lambda _: ql.Actual360(),
    "ACT/364": lambda _: ql.Actual364(),
    "ACT/365F": lambda _: ql.Actual365Fixed(),
    "ACT/365.25": lambda _: ql.Actual36525(),
    "ACT/366": lambda _: ql.Actual366(),
    "NL/365": lambda _: ql.Actual365Fixed(ql.Actual365Fixed.NoLeap),
    "BUS/252": lambda _: ql.Business252(ql.Brazil(ql.Brazil.Settlement)),
}


@settings(max_examples=60, deadline=None)
@given(LIVES, st.sampled_from([3, 6, 12]), st.sampled_from([ICMA, *QUANTLIB]))
def test_coupons_and_accrued_interest_are_those_of_quantlib(life: tuple[date, int], months: int, day_count: str) -> None:
    """Bonds without odd period; QuantLib's own bond is the other road."""
    start = life[0].replace(day=min(life[0].day, 28))
    opening = ql.Date(start.day, start.month, start.year)
    closing = opening + ql.Period(12 * (1 + life[1] % 12), ql.Months)
    maturity = date(closing.year(), closing.month(), closing.dayOfMonth())
    terms = Bond(regular_schedule(start, maturity, months), 12 // months, day_count, fixed("4.375"), ex_coupon=ExCoupon(7))
    schedule = ql.Schedule(
        opening, closing, ql.Period(months, ql.Months), ql.NullCalendar(), ql.Unadjusted, ql.Unadjusted, ql.DateGeneration.Backward, False
    )
    counter = ql.ActualActual(ql.ActualActual.ISMA, schedule) if day_count == ICMA else QUANTLIB[day_count](closing)
    other = ql.FixedRateBond(
        0, 100.0, schedule, [0.04375], counter, ql.Unadjusted, 100.0, ql.Date(), ql.NullCalendar(),
        ql.Period(7, ql.Days), ql.NullCalendar(), ql.Unadjusted, False,
    )  # fmt: skip
    expected = [ql.as_fixed_rate_coupon(flow).amount() for flow in other.cashflows() if ql.as_fixed_rate_coupon(flow)]
    assert [float(one.coupon_percent) for one in coupons(terms)] == pytest.approx(expected, abs=1e-9)
    days = [start + timedelta(days=number) for number in range(0, (maturity - start).days, 13)]
    found = accrued_percents(terms, days)
    for day in days:
        assert float(found[day]) == pytest.approx(other.accruedAmount(ql.Date(day.day, day.month, day.year)), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(LIVES, st.lists(st.decimals(0, 1, places=4), max_size=6), st.sampled_from(DAY_COUNTS))
def test_redemptions_add_up_to_the_nominal(life: tuple[date, int], factors: list[Decimal], day_count: str) -> None:
    schedule = regular_schedule(life[0], life[0] + timedelta(days=life[1]), 6)
    falling = zip(schedule.dates[1:-1], sorted(factors, reverse=True), strict=False)
    terms = Bond(schedule, 2, day_count, fixed("3"), tuple(OutstandingStep(day, factor) for day, factor in falling))
    assert sum(one.redemption_percent for one in coupons(terms)) == 100
    assert all(one.redemption_percent >= 0 and one.coupon_percent >= 0 for one in coupons(terms))


@settings(max_examples=60, deadline=None)
@given(st.dates(date(1990, 1, 1), date(2040, 1, 1)), st.dates(date(1990, 1, 1), date(2040, 1, 1)))
def test_act_act_afb_is_that_of_quantlib_but_for_counts_back_from_28_february(one: date, other: date) -> None:
    start, end = sorted((one, other))
    if (end.month, end.day) == (2, 28):
        return
    expected = ql.ActualActual(ql.ActualActual.AFB).yearFraction(
        ql.Date(start.day, start.month, start.year), ql.Date(end.day, end.month, end.year)
    )
    assert float(years_between("ACT/ACT AFB", start, end)) == pytest.approx(expected, abs=1e-12)
    assert years_between("ACT/ACT AFB", end, start) == -years_between("ACT/ACT AFB", start, end)
