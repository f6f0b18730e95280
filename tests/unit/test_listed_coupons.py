"""Coupon dates that no rule makes, by hand."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest

from posttrade.domain.bonds import Bond, accrued_percents, coupons
from posttrade.domain.stated_bonds import Interest, StatedBond, bond_of

ISSUE, FIRST, SECOND, MATURITY = date(2026, 1, 5), date(2026, 2, 4), date(2026, 4, 15), date(2026, 5, 27)


def bond(listed: Mapping[date, Decimal | None], **terms: object) -> Bond:
    cells: dict[str, object] = {
        "interest": Interest.FIXED, "is_repaid_in_parts": False, "market_mic": "XETR", "issue_date": ISSUE, "maturity_date": MATURITY,
        "coupon_rate": Decimal("3.6"), "coupon_frequency": 4, "day_count": "ACT/360", "listed_coupons": listed,
    } | terms  # fmt: skip
    return bond_of(StatedBond(**cells), {}, {})  # type: ignore[arg-type]


def test_listed_periods_bear_their_rate_or_their_amount() -> None:
    """30 days of 3.6 % are 0.3; of the 1.40 that the second brings for 70 days, 20 days are 0.40; 42 days are 0.42."""
    terms = bond({FIRST: None, SECOND: Decimal("1.40"), MATURITY: None})
    assert [(one.coupon_date, one.coupon_percent, one.redemption_percent) for one in coupons(terms)] == [
        (FIRST, Decimal("0.3"), 0), (SECOND, Decimal("1.4"), 0), (MATURITY, Decimal("0.42"), 100),
    ]  # fmt: skip
    halfway = date(2026, 2, 24)
    assert accrued_percents(terms, [halfway]) == {halfway: Decimal("0.4")}


def test_an_amount_is_of_what_is_outstanding_and_listed_periods_are_regular_ones() -> None:
    """A quarter repaid on the first date leaves 1.05 of the 1.40; ACT/ACT ICMA pays a quarter of 4 % for each of the others."""
    stated = StatedBond(
        Interest.FIXED, is_repaid_in_parts=True, market_mic="XETR", issue_date=ISSUE, maturity_date=MATURITY, coupon_rate=Decimal(4),
        coupon_frequency=4, day_count="ACT/ACT ICMA", listed_coupons={FIRST: None, SECOND: Decimal("1.40"), MATURITY: None},
    )  # fmt: skip
    found = coupons(bond_of(stated, {}, {FIRST: Decimal(25)}))
    assert [(one.coupon_percent, one.redemption_percent) for one in found] == [(1, 25), (Decimal("1.05"), 0), (Decimal("0.75"), 75)]


@pytest.mark.parametrize(
    ("listed", "terms", "told"),
    [
        ({FIRST: None}, {}, "its listed coupons run from 2026-02-04 to 2026-02-04, not from after its issue on 2026-01-05 to its maturity"),
        ({ISSUE: None, MATURITY: None}, {}, "its listed coupons run from 2026-01-05"),
        ({FIRST: None, MATURITY: None}, {"stub": "long initial"}, "it has a stub, last coupon date or month-end rule that makes them"),
        (
            {FIRST: None, MATURITY: None},
            {"first_coupon_date": SECOND},
            "its first coupon falls on 2026-04-15, and the first that is listed",
        ),
        (
            {MATURITY: Decimal(1)},
            {"interest": Interest.FLOATING, "coupon_rate": None, "index_name": "X"},
            "amounts of its coupons are listed",
        ),
        ({MATURITY: None}, {"interest": Interest.NONE, "coupon_rate": None}, "its product line pays no interest"),
    ],
)
def test_lists_that_contradict_the_terms_are_named(listed: Mapping[date, Decimal | None], terms: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        bond(listed, **terms)
