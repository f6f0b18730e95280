"""Deals without an end: which terms they have, by hand."""

from datetime import date
from decimal import Decimal

import pytest

from posttrade.domain.open_deals import DealState, DealTerm, OpenDeal
from posttrade.domain.stated_bonds import Interest, StatedBond, open_deal_of

START = date(2026, 1, 5)


def deal(told: dict[date, DealTerm] | None = None, **terms: object) -> OpenDeal:
    cells: dict[str, object] = {
        "interest": Interest.OPEN, "is_repaid_in_parts": False, "market_mic": "XXXX", "issue_date": START, "maturity_date": None,
        "coupon_rate": Decimal("3.6"), "day_count": "ACT/360", "business_calendar": "TARGET",
    } | terms  # fmt: skip
    return open_deal_of(StatedBond(**cells), told or {})  # type: ignore[arg-type]


def running(rate: str) -> DealTerm:
    return DealTerm(DealState.RUNNING, Decimal(rate))


ENDED = DealTerm(DealState.TERMINATED, None)
WITHDRAWN = DealTerm(DealState.WITHDRAWN, None)


def test_each_rate_holds_from_its_day_until_the_next() -> None:
    """3.6 % for two days are 0.02, 7.2 % for three 0.06, then nothing at 0 %."""
    terms = deal({date(2026, 1, 7): running("7.2"), date(2026, 1, 10): running("0"), date(2026, 1, 8): WITHDRAWN})
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
    terms = deal({date(2026, 1, 10): ENDED})
    (only,) = terms.coupons()
    assert (only.coupon_date, only.pay_date, only.coupon_percent, only.redemption_percent) == (
        date(2026, 1, 10), date(2026, 1, 12), Decimal("0.05"), 100
    )  # fmt: skip
    assert (terms.accrued_percent(date(2026, 1, 9)), terms.accrued_percent(date(2026, 1, 10))) == (Decimal("0.04"), 0)


@pytest.mark.parametrize(
    ("told", "terms", "reason"),
    [
        ({}, {"maturity_date": date(2026, 2, 5)}, "it has a maturity_date, and its product line runs until it is terminated"),
        ({}, {"coupon_rate": None}, "coupon_rate is missing"),
        ({}, {"day_count": "ACT/ACT ICMA"}, "day count 'ACT/ACT ICMA' is not one of"),
        ({date(2026, 1, 4): running("1")}, {}, "its terms of 2026-01-04 hold from before its start on 2026-01-05"),
        ({START: ENDED}, {}, "the deal ends on 2026-01-05, not after its start"),
        ({date(2026, 1, 8): ENDED, date(2026, 1, 9): ENDED}, {}, "it ends on 2026-01-08 and on 2026-01-09"),
    ],
)
def test_terms_that_contradict_each_other_are_named(told: dict[date, DealTerm], terms: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        deal(told, **terms)
