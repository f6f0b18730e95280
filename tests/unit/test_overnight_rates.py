"""Overnight rates compounded in arrears: published examples, QuantLib's coupon as the other road, and by hand."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
import QuantLib as ql
from hypothesis import given, settings
from hypothesis import strategies as st

from posttrade.domain.bonds import accrued_percents, coupons, fixing_dates_observed, fixing_missing, interest_periods
from posttrade.domain.business_days import BusinessDays
from posttrade.domain.overnight_indexes import overnight_indexes
from posttrade.domain.overnight_rates import Observation, OvernightRate
from posttrade.domain.stated_bonds import Interest, StatedBond, bond_of

SOFR_DAYS = BusinessDays(calendar="US-SOFR")


def fixings(table: str, year: int) -> dict[date, Decimal]:
    """Lines of a month, and days with their rates."""
    found = {}
    for line in table.split("\n"):
        for cell in line.split()[1:]:
            day, rate = cell.split("=")
            found[date(year, int(line.split()[0]), int(day))] = Decimal(rate)
    return found


# The rates of the ARRC's worked examples.
JUNE_AND_JULY_2019 = fixings(
    """6 21=2.37 24=2.39 25=2.41 26=2.43 27=2.42 28=2.50
    7 1=2.42 2=2.51 3=2.56 5=2.59 8=2.48 9=2.45 10=2.46 11=2.41 12=2.36 15=2.46 16=2.47 17=2.47 18=2.46 19=2.41 22=2.40 23=2.40
    7 24=2.41 25=2.42 26=2.41 29=2.40 30=2.39 31=2.55""",
    2019,
)
# SOFR as the New York Fed published it.
MARCH_AND_APRIL_2020 = fixings(
    """3 6=1.10 9=1.09 10=1.11 11=1.15 12=1.20 13=1.10 16=0.26 17=0.54 18=0.10 19=0.06 20=0.04 23=0.02 24=0.01 25=0.01 26=0.01 27=0.01
    3 30=0.01 31=0.01
    4 1=0.01 2=0.01 3=0.01 6=0.01 7=0.01 8=0.01""",
    2020,
)


def sofr(**terms: object) -> OvernightRate:
    return replace(OvernightRate(Decimal(0), SOFR_DAYS, 360, JUNE_AND_JULY_2019), **terms)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("terms", "end", "expected"),
    [
        ({"lookback_days": 5}, date(2019, 7, 15), "2.4781644454"),
        ({"lookback_days": 5, "is_observation_shifted": True}, date(2019, 7, 31), "2.4603611707"),
        ({"lookback_days": 5, "is_observation_shifted": True, "lockout_days": 3}, date(2019, 7, 31), "2.4693783702"),
    ],
)
def test_the_arrc_s_examples(terms: dict[str, object], end: date, expected: str) -> None:
    """From 1 July 2019; ARRC-BWLG-Examples-Other-Lookback-Options.xlsx (2020), as in QuantLib's test-suite/overnightindexedcoupon.cpp."""
    found = sofr(**terms).rate_percent(date(2019, 7, 1), end, end)
    assert found is not None
    assert abs(found - Fraction(expected)) < Fraction(1, 10**10)


@pytest.mark.parametrize(
    ("end", "average", "index_before", "index"),
    [
        ("2020-04-06", "0.37605", None, "1.04136965"),  # begins on a Saturday, with the rate of the Friday
        ("2020-04-07", "0.33971", None, "1.04136993"),  # on a Sunday
        ("2020-04-08", "0.30336", "1.04110703", "1.04137022"),
        ("2020-04-09", "0.26736", "1.04113855", "1.04137051"),
    ],
)
def test_the_new_york_fed_s_averages_and_index(end: str, average: str, index_before: str | None, index: str) -> None:
    """SOFR Averages and Index Data of March and April 2020: the average of 30 days, to 5 decimals, and the ratio of two indexes of 8."""
    last = date.fromisoformat(end)
    first = last - timedelta(days=30)
    found = sofr(fixings=MARCH_AND_APRIL_2020).rate_percent(first, last, last)
    assert found is not None
    assert round(found, 5) == Fraction(average)
    if index_before:
        ratio = (Fraction(index) / Fraction(index_before) - 1) * 100 * 360 / 30
        # half a unit of the eighth decimal at each end
        assert abs(found - ratio) < Fraction(1, 10**8) * 100 * 360 / 30


def test_by_hand_lookback_and_shift_weigh_the_weekend_differently() -> None:
    """Thursday 8 to Tuesday 13 January 2026, two days back. The rates of Tuesday to Friday are 3, 4, 5 and 6 percent.

    Lookback: Thursday has Tuesday's rate for a day, Friday Wednesday's for three, Monday Thursday's for one:
    (1 + 0.03/360)(1 + 0.04 x 3/360)(1 + 0.05/360) - 1 = 0.0005556528 over 5 days: 4.0007 percent.
    Shifted: Tuesday, Wednesday and Thursday count for a day each and Friday, whose three days end on Monday, is not reached:
    the observation runs from Tuesday to Friday, (1 + 0.03/360)(1 + 0.04/360)(1 + 0.05/360) - 1 over 3 days: 4.0004 percent.
    """
    rates = {date(2026, 1, day): Decimal(day - 3) for day in (6, 7, 8, 9)}
    start, end = date(2026, 1, 8), date(2026, 1, 13)
    back = sofr(fixings=rates, lookback_days=2)
    assert back.observations(start, end, end) == [
        Observation(date(2026, 1, 6), 1), Observation(date(2026, 1, 7), 3), Observation(date(2026, 1, 8), 1),
    ]  # fmt: skip
    product = (1 + Fraction(3, 36000)) * (1 + Fraction(12, 36000)) * (1 + Fraction(5, 36000)) - 1
    assert back.rate_percent(start, end, end) == product * 36000 / 5
    shifted = replace(back, is_observation_shifted=True)
    product = (1 + Fraction(3, 36000)) * (1 + Fraction(4, 36000)) * (1 + Fraction(5, 36000)) - 1
    assert shifted.rate_percent(start, end, end) == product * 36000 / 3
    # Up to a Sunday two of the weekend's three days; shifted, the days seen are those up to Monday's.
    sunday = date(2026, 1, 11)
    assert [one.days for one in back.observations(start, end, sunday)] == [1, 2]
    assert [one.days for one in shifted.observations(start, end, sunday)] == [1, 1]


def test_the_last_days_repeat_the_rate_before_them_and_the_rate_is_rounded_before_the_spread() -> None:
    """Monday 12 to Friday 16 January 2026: two days locked out, so that Wednesday and Thursday have Tuesday's rate of 4 percent.

    (1 + 0.03/360)(1 + 0.04/360)^3 - 1 over 4 days: 3.750583... percent; 3.751 to three decimals, 3.501 with a spread of -0.25.
    """
    rates = {date(2026, 1, 12): Decimal(3), date(2026, 1, 13): Decimal(4)}
    terms = sofr(fixings=rates, lockout_days=2, rate_decimals=3, spread=Decimal("-0.25"))
    start, end = date(2026, 1, 12), date(2026, 1, 16)
    assert [one.fixing_date.day for one in terms.observations(start, end, end)] == [12, 13, 13, 13]
    assert terms.rate_percent(start, end, end) == Fraction("3.501")
    assert replace(terms, floor=Decimal("3.6")).rate_percent(start, end, end) == Fraction("3.6")
    assert replace(terms, cap=Decimal("3.5")).rate_percent(start, end, end) == Fraction("3.5")
    # Up to Tuesday, which knows Monday's rate only.
    assert terms.rate_percent(start, end, date(2026, 1, 13)) == Fraction("2.75")
    assert replace(terms, lockout_days=1).rate_percent(start, end, end) is None  # Wednesday's rate is not known
    with pytest.raises(ValueError, match="has no business day before its 4 lockout days"):
        replace(terms, lockout_days=4).rate_percent(start, end, end)


def test_a_rate_half_way_is_rounded_away_from_zero() -> None:
    one_day = {date(2026, 1, 12): Decimal("0.0625"), date(2026, 1, 13): Decimal("-0.0625")}
    terms = sofr(fixings=one_day, rate_decimals=3)
    assert terms.rate_percent(date(2026, 1, 12), date(2026, 1, 13), date(2026, 1, 13)) == Fraction("0.063")
    assert terms.rate_percent(date(2026, 1, 13), date(2026, 1, 14), date(2026, 1, 14)) == Fraction("-0.063")


SPANS = st.tuples(st.dates(date(2019, 1, 2), date(2025, 6, 30)), st.integers(20, 120), st.integers(1, 100))


@settings(max_examples=60, deadline=None)
@given(SPANS, st.integers(0, 5), st.integers(0, 3), st.booleans(), st.lists(st.decimals(-1, 9, places=2), min_size=250, max_size=250))
def test_coupons_and_accruals_are_those_of_quantlib(
    span: tuple[date, int, int], lookback: int, lockout: int, is_shifted: bool, rates: list[Decimal]
) -> None:
    """Between business days, where QuantLib's fixing days and those of the definitions are the same."""
    start = SOFR_DAYS.days_after(span[0], 1)
    end = SOFR_DAYS.days_after(start + timedelta(days=span[1]), 1)
    until = min(SOFR_DAYS.days_after(start + timedelta(days=span[1] * span[2] // 100), 1), end)
    first = SOFR_DAYS.days_before(start, 10)
    days = [day for day in (first + timedelta(days=number) for number in range(160)) if SOFR_DAYS.is_open(day)]
    known = dict(zip(days, rates, strict=False))
    index = ql.Sofr()
    ql.IndexManager.instance().clearHistories()
    ql.Settings.instance().evaluationDate = to_quantlib(days[-1]) + 1
    index.addFixings([to_quantlib(day) for day in days], [float(known[day]) / 100 for day in days])
    other = ql.OvernightIndexedCoupon(
        to_quantlib(end), 100.0, to_quantlib(start), to_quantlib(end), index, 1.0, 0.0, ql.Date(), ql.Date(), ql.Actual360(),
        False, ql.RateAveraging.Compound, lookback, lockout, is_shifted,
    )  # fmt: skip
    terms = sofr(fixings=known, lookback_days=lookback, is_observation_shifted=is_shifted, lockout_days=lockout)
    rate = terms.rate_percent(start, end, end)
    assert rate is not None
    assert float(rate) / 100 == pytest.approx(other.rate(), abs=1e-11)
    if not is_shifted:
        so_far = terms.rate_percent(start, end, until)
        assert so_far is not None
        assert float(so_far) * (until - start).days / 360 == pytest.approx(other.accruedAmount(to_quantlib(until)), abs=1e-9)


def to_quantlib(day: date) -> ql.Date:
    return ql.Date(day.day, day.month, day.year)


def stated(**terms: object) -> StatedBond:
    """Two half-years from 2 January 2026 on."""
    cells: dict[str, object] = {
        "interest": Interest.FLOATING, "is_repaid_in_parts": False, "market_mic": "XNYS", "issue_date": date(2026, 1, 2),
        "maturity_date": date(2027, 1, 2), "coupon_frequency": 2, "day_count": "ACT/360", "index_name": "SOFR", "spread": Decimal("0.5"),
        "lookback_days": 2, "business_calendar": "US-SOFR",
    } | terms  # fmt: skip
    return StatedBond(**cells)  # type: ignore[arg-type]


def test_a_bond_accrues_what_its_fixings_tell_and_names_the_one_it_misses() -> None:
    """Two business days back: Friday 2 January 2026 has the rate of 30 December, Monday that of the 31st, Tuesday Friday's."""
    known = {date(2025, 12, 30): Decimal("3.6"), date(2025, 12, 31): Decimal("4.5")}
    terms = bond_of(stated(), known, {})
    monday, tuesday, wednesday = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)
    # 3 days of 3.6: 0.03; then a day of 4.5 on 1.0003 of it: 0.0425 + ... ; and the spread of 0.5 for 3 and 4 days.
    friday_to_monday, to_tuesday = Fraction("0.03"), (Fraction("1.0003") * (1 + Fraction("4.5") / 36000) - 1) * 100
    expected = {
        monday: round(friday_to_monday + Fraction("0.5") * 3 / 360, 10),
        tuesday: round(to_tuesday + Fraction("0.5") * 4 / 360, 10),
    }
    assert {day: Fraction(percent) for day, percent in accrued_percents(terms, [monday, tuesday]).items()} == expected
    with pytest.raises(ValueError, match="accrued interest on 2026-01-07 needs the fixings of the period from 2026-01-02"):
        accrued_percents(terms, [wednesday])
    assert fixing_missing(terms, wednesday) == date(2026, 1, 2)
    assert fixing_missing(terms, tuesday) is None
    assert coupons(terms) == []
    observed = fixing_dates_observed(terms)
    assert list(observed) == [date(2026, 1, 2)]
    assert (observed[date(2026, 1, 2)][0], observed[date(2026, 1, 2)][-1]) == (date(2025, 12, 30), date(2026, 6, 29))


def test_interest_of_an_ex_coupon_period_is_the_coupon_less_what_has_accrued() -> None:
    known = {date(2025, 12, 30) + timedelta(days=number): Decimal("3.6") for number in range(190)}
    terms = bond_of(stated(ex_coupon_days=7), known, {})
    (coupon,) = coupons(terms)
    before, ex = date(2026, 6, 24), date(2026, 6, 26)
    without_ex = accrued_percents(bond_of(stated(), known, {}), [before, ex])
    found = accrued_percents(terms, [before, ex])
    assert found[before] == without_ex[before]
    assert abs(coupon.coupon_percent + found[ex] - without_ex[ex]) <= Decimal("0.0000000002")
    assert found[ex] < 0


def test_a_payment_is_delayed_but_not_at_maturity() -> None:
    """Two business days from Thursday 2 July over Friday's holiday to Tuesday 7; the last on Monday 4 January, for Saturday 2."""
    assert [str(one.pay_date) for one in interest_periods(bond_of(stated(payment_delay_days=2), {}, {}))] == ["2026-07-07", "2027-01-04"]


@pytest.mark.parametrize(
    ("terms", "told"),
    [
        ({"lookback_days": None}, "lookback_days is missing"),
        ({"fixing_days": 2}, "it has fixing days, and SOFR is an overnight rate"),
        ({"index_name": "EURIBOR-6M"}, "its index EURIBOR-6M is no overnight rate"),
        ({"interest": Interest.FIXED, "index_name": None, "spread": None, "coupon_rate": Decimal(3)}, "its product line pays no floating"),
        ({"rate_cap": Decimal(1), "rate_floor": Decimal(2)}, "the floor 2 lies above the cap 1"),
    ],
)
def test_terms_that_contradict_each_other_are_named(terms: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        bond_of(stated(**terms), {}, {})


def test_the_table_of_overnight_rates_is_checked(tmp_path: Path) -> None:
    assert overnight_indexes()["SONIA"].year_days == 365
    table = tmp_path / "overnight_indexes.yaml"
    for text, told in (
        ("X: {calendar: NOWHERE, year_days: 360, source: s}", "'NOWHERE' is no bank calendar"),
        ("X: {calendar: TARGET, year_days: 364, source: s}", "364 are not the days of a year"),
        ("X: [", "overnight_indexes.yaml is not valid YAML"),
    ):
        table.write_text(text)
        overnight_indexes.cache_clear()
        with pytest.raises(ValueError, match=told):
            overnight_indexes(table)
    overnight_indexes.cache_clear()
