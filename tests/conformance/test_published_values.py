"""Published values: sessions, day counts, schedules, accrued interest and coupons of tests/data/conformance."""

import csv
import re
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from bonds_of_tests import bond

from posttrade.domain.bonds import accrued_percents, coupons
from posttrade.domain.business_days import BusinessDays
from posttrade.domain.day_counts import DAY_COUNTS, ICMA, InterestPeriodTerms, years_between

ANSWERS = Path(__file__).parents[1] / "data" / "conformance"


def answers(name: str) -> list[dict[str, str]]:
    with (ANSWERS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    return rows


def test_sessions() -> None:
    """Of an early close that the market is open; when it closes is not kept."""
    wrong = []
    for row in answers("sessions"):
        is_open = BusinessDays(calendar=row["calendar"]).is_open(date.fromisoformat(row["date"]))
        assert row["expected"] in ("open", "early_close", "closed")
        if is_open != (row["expected"] != "closed"):
            wrong.append(row)
    assert wrong == []


def period_of(row: dict[str, str]) -> InterestPeriodTerms | None:
    """What the row says of the interest period besides the two dates; None where it says nothing."""
    if not (row["period_end_date"] or row["maturity_date"] or row["is_month_end"]):
        return None
    start, end = date.fromisoformat(row["start_date"]), date.fromisoformat(row["period_end_date"] or row["end_date"])
    maturity = date.fromisoformat(row["maturity_date"]) if row["maturity_date"] else None
    return InterestPeriodTerms(start, end, 12 // int(row["months"] or 12), row["is_month_end"] == "true", maturity)


@pytest.mark.parametrize("row", answers("day_counts"), ids=lambda row: f"{row['case']} {row['day_count']}")
def test_day_counts(row: dict[str, str]) -> None:
    """QuantLib 1.44 disagrees on seven rows of ACT/ACT AFB, those that count back from 28 February to a leap year.

    It adds a sentence of ISDA's paper of 1999 that Strata, the source of the rows, rejects. The rows are followed: by
    QuantLib the year from 28 February 2004 to 28 February 2005 would last 1 1/365 years, and an annual coupon with it.
    """
    start, end = date.fromisoformat(row["start_date"]), date.fromisoformat(row["end_date"])
    found = years_between(row["day_count"], start, end, period_of(row))
    if row["expected_kind"] == "days":
        year_days = int(re.search(r"/(\d+)", row["day_count"])[1])  # type: ignore[index]
        assert found == Fraction(int(row["expected"]), year_days)
    else:
        expected = sum(Fraction(part) for part in row["expected"].split("+"))
        assert abs(found - expected) < Fraction(1, 10**12)


def test_every_day_count_has_a_published_value() -> None:
    assert {row["day_count"] for row in answers("day_counts")} == set(DAY_COUNTS) - {ICMA}


@pytest.mark.parametrize("row", answers("schedules"), ids=lambda row: f"{row['issue_date']}-{row['maturity_date']}")
def test_schedules(row: dict[str, str]) -> None:
    frequency = int(row["coupon_frequency"])
    terms = bond(row["issue_date"], row["maturity_date"], first=row["first_coupon_date"], frequency=frequency, day_count="ACT/365F")
    dates = [terms.schedule.dates[0], *(coupon.coupon_date for coupon in coupons(terms))]
    assert " ".join(map(str, dates)) == row["expected_dates"]


@pytest.mark.parametrize("row", answers("bonds"), ids=lambda row: f"{row['bond']} {row['question']} {row['on_date']}")
def test_accrued_interest_and_coupons(row: dict[str, str]) -> None:
    terms = bond(
        row["issue_date"],
        row["maturity_date"],
        first=row["first_coupon_date"],
        rate=row["coupon_rate"],
        frequency=int(row["coupon_frequency"]),
        day_count=row["day_count"],
        market_mic=row["market_mic"],
    )
    day = date.fromisoformat(row["on_date"])
    if row["question"] == "accrued":
        found = accrued_percents(terms, [day])[day]
    else:
        coupon = next(one for one in coupons(terms) if one.coupon_date == day)
        found = coupon.coupon_percent
        if row["expected_pay_date"]:
            assert str(coupon.pay_date) == row["expected_pay_date"]
    assert abs(found - Decimal(row["expected_percent"])) <= Decimal(row["tolerance"])
