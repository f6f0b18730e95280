"""Published values of bonds of every kind: ACT/ACT ICMA, coupon schedules, business days, accrued interest, coupons, redemptions.

What is not taken over stands in data/conformance/not_taken.csv, with the reason.
"""

import csv
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from posttrade.domain.bond_terms import Bond, ExCoupon, FixedRate, OutstandingStep
from posttrade.domain.bonds import accrued_percents, coupons
from posttrade.domain.business_days import BusinessDayConvention, BusinessDays, adjust
from posttrade.domain.day_counts import DECIMALS, icma_years
from posttrade.domain.schedules import CouponSchedule, Stub, regular_schedule
from posttrade.domain.stated_bonds import Interest, StatedBond, bond_of

ANSWERS = Path(__file__).parents[1] / "data" / "conformance"


def answers(name: str) -> list[dict[str, str]]:
    with (ANSWERS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    return rows


def day_or_none(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def business_days(convention: str, calendar: str) -> BusinessDays:
    return BusinessDays(BusinessDayConvention(convention), calendar)


def schedule_of(row: dict[str, str], start: str, months: int, stub: Stub = Stub.SHORT_INITIAL) -> CouponSchedule:
    return regular_schedule(
        date.fromisoformat(row[start]),
        date.fromisoformat(row["maturity_date"]),
        months,
        stub=stub,
        first_coupon_date=day_or_none(row["first_coupon_date"]),
        last_coupon_date=day_or_none(row["last_coupon_date"]),
        is_month_end=row["is_month_end"] == "true",
    )


@pytest.mark.parametrize("row", answers("day_counts_icma"), ids=lambda row: row["case"])
def test_act_act_icma(row: dict[str, str]) -> None:
    months = int(row["months"])
    # With a first coupon given, quasi-coupon dates are counted from it: the sources' end dates are off the month end.
    stub = Stub.SHORT_FINAL if row["first_coupon_date"] else Stub.SHORT_INITIAL
    schedule = schedule_of(row, "schedule_start_date", months, stub)
    found = icma_years(schedule.regular_dates, 12 // months, date.fromisoformat(row["start_date"]), date.fromisoformat(row["end_date"]))
    assert found == sum(Fraction(part) for part in row["expected"].split("+"))


def test_the_one_value_that_is_not_the_source_s_says_why() -> None:
    assert {row["case"] for row in answers("day_counts_icma") if row["note"]} == {"DC-V289"}


@pytest.mark.parametrize("row", answers("coupon_schedules"), ids=lambda row: row["case"])
def test_coupon_schedules(row: dict[str, str]) -> None:
    if row["expected_dates"] == "refused":
        with pytest.raises(ValueError, match="no schedule of coupons fits its dates"):
            schedule_of(row, "start_date", int(row["months"]), Stub(row["stub"]))
        return
    schedule = schedule_of(row, "start_date", int(row["months"]), Stub(row["stub"]))
    if row["expected_dates"]:
        assert " ".join(map(str, schedule.dates)) == row["expected_dates"]
    days = business_days(row["convention"], row["calendar"])
    if row["expected_adjusted_dates"] == "refused":
        with pytest.raises(ValueError, match="they do not rise"):
            schedule.adjusted_dates(days)
        return
    adjusted = schedule.adjusted_dates(days)
    assert " ".join(map(str, adjusted)) == row["expected_adjusted_dates"]


@pytest.mark.parametrize("row", answers("business_days"), ids=lambda row: row["case"])
def test_business_day_conventions(row: dict[str, str]) -> None:
    closed = day_or_none(row["closed_date"])
    found = adjust(
        date.fromisoformat(row["date"]), BusinessDayConvention(row["convention"]), lambda day: day.weekday() < 5 and day != closed
    )
    assert str(found) == row["expected_date"]


def published_bond(row: dict[str, str]) -> Bond:
    if row["listed_dates"]:
        return listed_bond(row)
    schedule = schedule_of(row, "start_date", 12 // int(row["frequency"]))
    return Bond(
        schedule,
        int(row["frequency"]),
        row["day_count"],
        FixedRate(tuple(Decimal(rate) for rate in row["rates"].split())),
        tuple(OutstandingStep(date.fromisoformat(step[:10]), Decimal(step[11:])) for step in row["outstanding"].split()),
        accrual_days=business_days(row["accrual_convention"], row["accrual_calendar"]),
        payment_days=business_days(row["payment_convention"], row["payment_calendar"]),
        ex_coupon=ExCoupon(
            int(row["ex_days"]), row["are_ex_business_days"] == "true", business_days(row["ex_convention"], row["ex_calendar"])
        )
        if row["ex_days"]
        else None,
        accrued_decimals=int(row["accrued_decimals"]) if row["accrued_decimals"] else None,
    )


def listed_bond(row: dict[str, str]) -> Bond:
    """As the product makes it of a row of instruments and the list of its coupon dates."""
    stated = StatedBond(
        Interest.FIXED,
        is_repaid_in_parts=False,
        market_mic="XXXX",
        issue_date=date.fromisoformat(row["start_date"]),
        maturity_date=date.fromisoformat(row["maturity_date"]),
        coupon_rate=Decimal(row["rates"]),
        coupon_frequency=int(row["frequency"]),
        day_count=row["day_count"],
        payment_convention=row["payment_convention"],
        business_calendar=row["payment_calendar"],
        ex_coupon_days=int(row["ex_days"]) if row["ex_days"] else None,
        listed_coupons={date.fromisoformat(day): None for day in row["listed_dates"].split()},
    )
    return bond_of(stated, {}, {})


@pytest.mark.parametrize("row", answers("bond_terms"), ids=lambda row: f"{row['bond']} {row['question']} {row['on_date']}")
def test_accrued_interest_coupons_and_redemptions(row: dict[str, str]) -> None:
    bond, day = published_bond(row), date.fromisoformat(row["on_date"])
    if row["question"] == "accrued":
        percent = accrued_percents(bond, [day])[day]
    else:
        coupon = next(one for one in coupons(bond) if one.coupon_date == day)
        percent = coupon.coupon_percent if row["question"] == "coupon" else coupon.redemption_percent
        assert str(coupon.pay_date) == row["expected_pay_date"]
        assert row["expected_period_start_date"] in ("", str(coupon.period_start_date))
    per_percent = Decimal(row["nominal"]) / 100
    # Percents are kept to ten decimals: on a nominal of ten millions half a unit of the last one is 0.000005.
    assert abs(percent * per_percent - Decimal(row["expected_amount"])) <= Decimal(row["tolerance"]) + DECIMALS / 2 * per_percent


@pytest.mark.parametrize("row", answers("floating_bonds"), ids=lambda row: f"{row['bond']} {row['question']} {row['on_date']}")
def test_floating_rates(row: dict[str, str]) -> None:
    """The first redemption of the annuity follows the periods asked about."""
    stated = StatedBond(
        Interest.FLOATING,
        is_repaid_in_parts=False,
        market_mic="XETR",
        issue_date=date.fromisoformat(row["issue_date"]),
        maturity_date=date.fromisoformat(row["maturity_date"]),
        coupon_frequency=int(row["coupon_frequency"]),
        day_count=row["day_count"],
        accrual_convention="Following",
        business_calendar=row["calendar"],
        index_name="EUR-EURIBOR-6M",
        spread=Decimal(row["spread"]),
        fixing_days=int(row["fixing_days"]),
    )
    fixings = {date.fromisoformat(one[:10]): Decimal(one[11:]) for one in row["fixings"].split()}
    bond, day = bond_of(stated, fixings, {}), date.fromisoformat(row["on_date"])
    percent = (
        accrued_percents(bond, [day])[day]
        if row["question"] == "accrued"
        else next(one.coupon_percent for one in coupons(bond) if one.coupon_date == day)
    )
    assert abs(percent * Decimal(row["nominal"]) / 100 - Decimal(row["expected_amount"])) <= Decimal(row["tolerance"])
