"""Published values: sessions, day counts, schedules, accrued interest and coupons of tests/data/conformance."""

import csv
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from bonds_of_tests import bond

from posttrade.domain.bank_calendars import BankCalendar, is_bank_day
from posttrade.domain.bonds import accrued_percents, coupons, day_count_of, year_fraction
from posttrade.domain.calendars import is_session

ANSWERS = Path(__file__).parents[1] / "data" / "conformance"
BANK_CALENDARS = {str(one) for one in BankCalendar}


def answers(name: str) -> list[dict[str, str]]:
    with (ANSWERS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    return rows


def test_sessions() -> None:
    wrong = []
    for row in answers("sessions"):
        calendar, day = row["calendar"], date.fromisoformat(row["date"])
        is_open = is_bank_day(BankCalendar(calendar), day) if calendar in BANK_CALENDARS else is_session(calendar, day)
        if is_open != (row["expected"] == "open"):
            wrong.append(row)
    assert wrong == []


@pytest.mark.parametrize("row", answers("day_counts"), ids=lambda row: f"{row['day_count']} {row['start_date']}-{row['end_date']}")
def test_day_counts(row: dict[str, str]) -> None:
    """QuantLib 1.44 disagrees on seven rows of ACT/ACT AFB, those that count back from 28 February to a leap year.

    It adds a sentence of ISDA's paper of 1999 that Strata, the source of the rows, rejects. The rows are followed: by
    QuantLib the year from 28 February 2004 to 28 February 2005 would last 1 1/365 years, and an annual coupon with it.
    """
    start, end = date.fromisoformat(row["start_date"]), date.fromisoformat(row["end_date"])
    if row["expected_kind"] == "days":
        assert day_count_of(row["day_count"], start, end) == int(row["expected"])
    else:
        expected = sum(Fraction(part) for part in row["expected"].split("+"))
        assert abs(year_fraction(row["day_count"], start, end) - Decimal(float(expected))) < Decimal("1e-9")


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
