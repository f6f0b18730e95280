"""Coupons and accrued interest: cases a rule book decides, and promises for any bond."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from bonds_of_tests import bond
from hypothesis import given, settings
from hypothesis import strategies as st

from posttrade.domain.bonds import DAY_COUNTS, accrued_percents, coupons


def test_regular_coupons_redemption_and_pay_dates() -> None:
    table = [
        (
            str(one.period_start_date),
            str(one.coupon_date),
            str(one.pay_date),
            one.coupon_percent,
            one.redemption_percent,
        )
        for one in coupons(bond("2024-02-15", "2026-02-15", rate="2.5", frequency=1))
    ]
    assert table == [
        ("2024-02-15", "2025-02-15", "2025-02-17", Decimal("2.5"), 0),  # Saturday, pays on Monday
        ("2025-02-15", "2026-02-15", "2026-02-16", Decimal("2.5"), 100),
    ]


def test_a_short_first_period_is_measured_against_its_quasi_coupon_period() -> None:
    """The quarter that ends on 2023-04-30 begins on 2023-01-31 and has 89 days (QuantLib-SWIG issue 632)."""
    first = coupons(bond("2023-02-15", "2024-04-30", first="2023-04-30", frequency=4))[0]
    assert first.coupon_percent == (Decimal(74) / (89 * 4) * 4).quantize(Decimal("1e-10"))


def test_a_long_first_period_spans_as_many_quasi_coupon_periods_as_it_needs() -> None:
    """Two full quarters and 31 of the 92 days from 2022-10-15 to 2023-01-15."""
    first = coupons(bond("2022-12-15", "2025-07-15", first="2023-07-15", frequency=4))[0]
    assert first.coupon_percent == (Decimal(1) + 1 + Decimal(31) / 92).quantize(Decimal("1e-10"))


def test_a_first_coupon_tells_whether_the_bond_pays_at_month_end() -> None:
    at_month_end = coupons(bond("2024-11-30", "2026-11-30"))
    on_the_30th = coupons(bond("2024-11-30", "2026-11-30", first="2025-05-30"))
    assert [str(one.coupon_date) for one in at_month_end][::2] == ["2025-05-31", "2026-05-31"]
    assert [str(one.coupon_date) for one in on_the_30th][::2] == ["2025-05-30", "2026-05-30"]


def test_an_old_bond_keeps_its_old_pay_dates() -> None:
    assert [str(one.pay_date) for one in coupons(bond("1996-06-07", "2001-06-07"))][:2] == ["1996-12-09", "1997-06-09"]


def test_nothing_accrues_before_the_issue_and_from_maturity_on() -> None:
    terms = bond("2024-02-15", "2026-02-15")
    days = [date(2024, 1, 1), date(2024, 2, 15), date(2024, 8, 15), date(2026, 2, 15), date(2027, 1, 1)]
    assert set(accrued_percents(terms, days).values()) == {Decimal(0)}


def test_the_last_period_of_30e_360_isda_knows_the_maturity() -> None:
    """DC-V252 and DC-V253: to 31 August 2011 180 days, and 179 to 29 February 2012, where the bond ends."""
    flows = coupons(bond("2010-02-28", "2012-02-29", rate="6", day_count="30E/360 ISDA"))
    assert [one.coupon_percent for one in flows] == [3, 3, 3, percent_of("6", 179, 360)]


def test_30u_360_counts_by_whether_coupons_fall_on_the_month_end() -> None:
    """DC-V225 and DC-V224: from 28 February 2011 to 29 February 2012 are 360 days of month ends and 361 of other bonds."""
    at_month_end = coupons(bond("2011-02-28", "2012-02-29", rate="6", frequency=1, day_count="30U/360"))
    assert [one.coupon_percent for one in at_month_end] == [6]
    of_a_day = coupons(bond("2011-02-28", "2012-03-28", first="2012-02-28", rate="6", frequency=1, day_count="30U/360"))
    assert of_a_day[0].coupon_percent == 6


def test_act_365l_divides_by_the_leap_year_of_the_period_not_of_the_day() -> None:
    """Of the annual coupon to 1 March 2012, 62 days to 28 February are over 366 (DC-V265), and over 365 to 28 February 2012 (DC-V264)."""
    day = date(2012, 2, 28)
    found = accrued_percents(bond("2011-12-28", "2013-03-01", first="2012-03-01", rate="6", frequency=1, day_count="ACT/365L"), [day])
    assert found[day] == percent_of("6", 62, 366)
    last = coupons(bond("2011-12-28", "2013-02-28", first="2012-02-28", rate="6", frequency=1, day_count="ACT/365L"))[0]
    assert last.coupon_percent == percent_of("6", 62, 365)


def percent_of(rate: str, days: int, year: int) -> Decimal:
    """Rate times days over year, to the ten decimals that coupons are kept to."""
    return (Decimal(rate) * days / year).quantize(Decimal("1e-10"))


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({"day_count": "ACT/367"}, "day count 'ACT/367' is not one of"),
        ({"frequency": 5}, "coupon frequency 5 is not one of 1, 2, 3, 4, 6, 12 a year"),
        ({"maturity": "2024-02-15"}, "matures on 2024-02-15, not after its issue"),
        ({"first": "2027-01-01"}, "first coupon falls on 2027-01-01, outside the life of the bond"),
    ],
)
def test_terms_that_contradict_each_other_are_named(terms: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        bond(**({"issue": "2024-02-15", "maturity": "2026-02-15"} | terms))  # type: ignore[arg-type]


def stated(rate: Decimal, frequency: int, day_count: str, issue: date, life: int, first: int | None) -> dict[str, Any]:
    """What `bond` takes; a first coupon after maturity is none."""
    return {
        "issue": issue, "maturity": issue + timedelta(days=life), "rate": rate, "frequency": frequency, "day_count": day_count,
        "first": None if first is None or first > life else issue + timedelta(days=first),
    }  # fmt: skip


ANY_BOND = st.builds(
    stated,
    st.decimals(0, 15, places=3),
    st.sampled_from([1, 2, 4, 12]),
    st.sampled_from(DAY_COUNTS),
    st.dates(date(1990, 1, 1), date(2030, 1, 1)),
    st.integers(30, 40 * 365),
    st.none() | st.integers(1, 700),
)


@settings(max_examples=60, deadline=None)
@given(ANY_BOND)
def test_periods_join_and_end_with_the_redemption(terms: dict[str, Any]) -> None:
    try:
        flows = coupons(bond(**terms))
    except ValueError as error:
        assert "no schedule of coupons fits its dates" in str(error)
        return
    assert flows[0].period_start_date == terms["issue"]
    assert [one.coupon_date for one in flows[:-1]] == [one.period_start_date for one in flows[1:]]
    assert all(one.pay_date >= one.coupon_date for one in flows)
    assert [one.redemption_percent for one in flows] == [0] * (len(flows) - 1) + [100]
    assert flows[-1].coupon_date == terms["maturity"]


@settings(max_examples=40, deadline=None)
@given(ANY_BOND, st.integers(0, 10))
def test_interest_grows_within_a_period_up_to_its_coupon(terms: dict[str, Any], period: int) -> None:
    try:
        any_bond = bond(**terms)
    except ValueError:
        return
    flows = coupons(any_bond)
    one = flows[period % len(flows)]
    days = [one.period_start_date + timedelta(days=number) for number in range(0, (one.coupon_date - one.period_start_date).days, 9)]
    accrued = list(accrued_percents(any_bond, days).values())
    assert accrued[0] == 0
    assert accrued == sorted(accrued)
    # 30/360 conventions may count up to two days more before the end of February than to it
    assert accrued[-1] <= one.coupon_percent + terms["rate"] * 3 / 360
