"""Deals without an end: which terms they have, by hand."""

from datetime import date
from decimal import Decimal

import pytest

from posttrade.domain.open_deals import DealTerms, OpenDeal
from posttrade.domain.stated_bonds import Interest, StatedBond, open_deal_of

START = date(2026, 1, 5)


def deal(told: DealTerms | None = None, **terms: object) -> OpenDeal:
    cells: dict[str, object] = {
        "interest": Interest.OPEN, "is_repaid_in_parts": False, "market_mic": "XXXX", "issue_date": START, "maturity_date": None,
        "coupon_rate": Decimal("3.6"), "day_count": "ACT/360", "business_calendar": "TARGET",
    } | terms  # fmt: skip
    return open_deal_of(StatedBond(**cells), told or DealTerms())  # type: ignore[arg-type]


def ended(*days: date) -> DealTerms:
    return DealTerms(end_dates=frozenset(days))


def test_each_rate_holds_from_its_day_until_the_next() -> None:
    """3.6 % for two days are 0.02, 7.2 % for three 0.06, then nothing at 0 %."""
    terms = deal(DealTerms({date(2026, 1, 7): Decimal("7.2"), date(2026, 1, 10): Decimal(0)}))
    expected = {
        "2026-01-04": "0",
        "2026-01-05": "0",
        "2026-01-07": "0.02",
        "2026-01-08": "0.04",
        "2026-01-10": "0.08",
        "2027-01-01": "0.08",
    }
    assert {day: terms.accrued_percent(date.fromisoformat(day)) for day in expected} == {
        day: Decimal(percent) for day, percent in expected.items()
    }
    assert (terms.interest_periods(), terms.coupons()) == ([], [])


def test_all_is_paid_on_the_open_day_after_the_end() -> None:
    """Five days of 3.6 % to Saturday the 10th, paid on Monday."""
    terms = deal(ended(date(2026, 1, 10)))
    (only,) = terms.coupons()
    assert (only.coupon_date, only.pay_date, only.coupon_percent, only.redemption_percent) == (
        date(2026, 1, 10), date(2026, 1, 12), Decimal("0.05"), 100
    )  # fmt: skip
    assert (terms.accrued_percent(date(2026, 1, 9)), terms.accrued_percent(date(2026, 1, 10))) == (Decimal("0.04"), 0)


def test_a_rate_agreed_for_the_day_of_the_end_bears_nothing() -> None:
    """Two days of 3.6 %."""
    (only,) = deal(DealTerms({date(2026, 1, 7): Decimal("7.2")}, frozenset({date(2026, 1, 7)}))).coupons()
    assert (only.coupon_date, only.coupon_percent) == (date(2026, 1, 7), Decimal("0.02"))


@pytest.mark.parametrize(
    ("told", "terms", "reason"),
    [
        (DealTerms(), {"maturity_date": date(2026, 2, 5)}, "it has a maturity_date, and its product line runs until it is terminated"),
        (DealTerms(), {"coupon_rate": None}, "coupon_rate is missing"),
        (DealTerms(), {"day_count": "ACT/ACT ICMA"}, "day count 'ACT/ACT ICMA' is not one of"),
        (DealTerms({date(2026, 1, 4): Decimal(1)}), {}, "its terms of 2026-01-04 hold from before its start on 2026-01-05"),
        (ended(START), {}, "the deal ends on 2026-01-05, not after its start"),
        (ended(date(2026, 1, 8), date(2026, 1, 9)), {}, "it ends on 2026-01-08 and on 2026-01-09"),
    ],
)
def test_terms_that_contradict_each_other_are_named(told: DealTerms, terms: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        deal(told, **terms)
