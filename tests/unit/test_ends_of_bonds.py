"""The day on which a bond or deal is repaid, as its terms have it: dates of 2026 by the calendar, by hand."""

from datetime import date
from decimal import Decimal

import pytest

from posttrade.domain.open_deals import DealTerms
from posttrade.domain.stated_bonds import Interest, StatedBond, dates_gone_ex, end_of


def stated(maturity: str | None, **terms: object) -> StatedBond:
    cells: dict[str, object] = {
        "interest": Interest.FIXED, "is_repaid_in_parts": False, "market_mic": "XXXX", "issue_date": date(2025, 1, 6),
        "maturity_date": date.fromisoformat(maturity) if maturity else None, "coupon_rate": Decimal("3.6"), "coupon_frequency": 1,
        "day_count": "ACT/360",
    } | terms  # fmt: skip
    return StatedBond(**cells)  # type: ignore[arg-type]


def end(maturity: str | None, convention: str = "", calendar: str = "", **terms: object) -> str:
    bond = stated(maturity, accrual_convention=convention or None, business_calendar=calendar or None, **terms)
    return str(end_of(bond, {}, DealTerms()))


# 31 January is a Saturday, the last day of its month; 1 May a Friday, Labour Day in TARGET and open in London; 4 May a Monday, the early
# May bank holiday in London; 3 April is Good Friday and 6 April Easter Monday in both; 15 August is a Saturday.
@pytest.mark.parametrize(
    ("maturity", "convention", "calendar", "expected"),
    [
        ("2026-01-31", "", "TARGET", "2026-01-31"),
        ("2026-01-31", "Unadjusted", "TARGET", "2026-01-31"),
        ("2026-01-31", "Following", "TARGET", "2026-02-02"),
        ("2026-01-31", "Modified Following", "TARGET", "2026-01-30"),
        ("2026-01-31", "Preceding", "TARGET", "2026-01-30"),
        ("2026-05-01", "Following", "TARGET", "2026-05-04"),
        ("2026-05-01", "Modified Following", "TARGET", "2026-05-04"),
        ("2026-05-01", "Preceding", "TARGET", "2026-04-30"),
        ("2026-05-01", "Modified Preceding", "TARGET", "2026-05-04"),
        ("2026-05-01", "Following", "UK-SETTLEMENT", "2026-05-01"),
        ("2026-05-02", "Following", "UK-SETTLEMENT", "2026-05-05"),
        ("2026-05-02", "Nearest", "UK-SETTLEMENT", "2026-05-01"),
        ("2026-04-03", "Following", "TARGET", "2026-04-07"),
        ("2026-08-15", "Modified Following Half Month", "TARGET", "2026-08-14"),
        # no calendar is stated: the market's, which is dealt on on every weekday
        ("2026-05-01", "Following", "", "2026-05-01"),
        ("2026-05-02", "Following", "", "2026-05-04"),
    ],
)
def test_the_end_goes_where_the_convention_moves_it(maturity: str, convention: str, calendar: str, expected: str) -> None:
    assert end(maturity, convention, calendar) == expected


def test_a_bond_without_interest_and_one_with_an_unknown_rate_end_as_others() -> None:
    no_rate = {"coupon_rate": None, "interest": Interest.FLOATING}
    floating = no_rate | {"index_name": "EURIBOR-6M", "spread": Decimal(1), "fixing_days": 2, "coupon_frequency": 2}
    overnight = no_rate | {"index_name": "ESTR", "lookback_days": 2, "coupon_frequency": 4}
    zero = {"interest": Interest.NONE, "coupon_rate": None, "coupon_frequency": None, "day_count": None}
    assert [end("2026-01-31", "Modified Following", "TARGET", **one) for one in (floating, overnight, zero)] == ["2026-01-30"] * 3


def test_what_is_repaid_in_parts_ends_with_its_last_part() -> None:
    """Coupons on 2 May, of 2026 a Saturday: with all repaid in 2026 nothing is left for the maturity in 2027."""
    parts = stated(
        "2027-05-02", is_repaid_in_parts=True, issue_date=date(2024, 5, 2), accrual_convention="Following", business_calendar="TARGET"
    )
    half, other = date(2025, 5, 2), date(2026, 5, 2)
    assert end_of(parts, {half: Decimal(50), other: Decimal(50)}, DealTerms()) == date(2026, 5, 4)
    # A rest of 20 is left for Sunday, 2 May 2027.
    assert end_of(parts, {half: Decimal(50), other: Decimal(30)}, DealTerms()) == date(2027, 5, 3)


def test_an_open_deal_ends_when_it_is_told_to() -> None:
    deal = stated(None, interest=Interest.OPEN, coupon_frequency=None)
    saturday, later = date(2026, 1, 10), date(2026, 1, 13)
    assert end_of(deal, {}, DealTerms()) is None
    assert end_of(deal, {}, DealTerms(end_dates=frozenset({saturday}))) == saturday
    # Two ends contradict each other: before the later one nothing is known to be too late.
    assert end_of(deal, {}, DealTerms(end_dates=frozenset({saturday, later}))) == later


def test_terms_that_cannot_be_used_end_on_no_day_before_the_one_they_name() -> None:
    """A fixed rate is missing; so is the plan of what is repaid in parts."""
    assert end("2026-01-31", "Modified Following", "TARGET", coupon_rate=None) == "2026-01-31"
    assert end("2026-01-31", "Modified Following", "TARGET", is_repaid_in_parts=True) == "2026-01-31"
    assert end(None, "Following", "TARGET") == "None"


def test_a_bond_goes_without_its_coupons_before_they_are_paid_and_without_its_repayments_on_their_dates() -> None:
    """From 6 January 2025 to 2027, coupons each January, gone 3 calendar days before; on 6 January 2026 half is repaid."""
    plan = {date(2026, 1, 6): Decimal(50)}
    in_parts = stated("2027-01-06", ex_coupon_days=3, is_repaid_in_parts=True)
    zero = stated("2027-01-06", interest=Interest.NONE, coupon_rate=None, coupon_frequency=None, day_count=None)
    unusable = stated("2027-01-06", coupon_frequency=None)

    def gone(bond: StatedBond, repayments: dict[date, Decimal]) -> list[str]:
        return [str(day) for day in dates_gone_ex(bond, repayments, DealTerms())]

    assert gone(in_parts, plan) == ["2026-01-03", "2026-01-06", "2027-01-03", "2027-01-06"]
    assert gone(stated("2027-01-06"), {}) == ["2026-01-06", "2027-01-06"]
    assert gone(zero, {}) == ["2027-01-06"]
    assert gone(unusable, {}) == []
