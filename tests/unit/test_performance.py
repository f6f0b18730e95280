"""Returns: what a money-weighted one weighs by, and what has no return."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posttrade.domain.performance import ExternalFlow, max_drawdown, money_weighted_return, volatility

FIRST = date(2025, 1, 1)


def flows(*amounts: tuple[int, str]) -> list[ExternalFlow]:
    return [ExternalFlow(FIRST + timedelta(days=number), Decimal(amount)) for number, amount in amounts]


def test_a_money_weighted_return_weighs_by_what_was_there() -> None:
    """100 for a year, then 1,000 more: 10 % on the 100, 20 % on the 1,110, is 19.0 % a year of the money."""
    moved = [ExternalFlow(date(2022, 1, 1), Decimal(100)), ExternalFlow(date(2023, 1, 1), Decimal(1000))]
    closing = ExternalFlow(date(2024, 1, 1), Decimal(-1332))
    rate = money_weighted_return([*moved, closing])
    # 100 (1 + r)^2 + 1,000 (1 + r) = 1,332, by the formula of the quadratic.
    assert rate == pytest.approx(-5 + (25 + 13.32) ** 0.5 - 1)


@given(st.decimals(1, 10**6, places=2), st.decimals(1, 10**6, places=2), st.integers(30, 3000))
def test_of_one_payment_the_money_weighted_return_is_the_yearly_one(opening: Decimal, closing: Decimal, days: int) -> None:
    end = FIRST + timedelta(days=days)
    yearly = float(closing / opening) ** (365 / days) - 1
    found = money_weighted_return([ExternalFlow(FIRST, opening), ExternalFlow(end, -closing)])
    assert found == pytest.approx(yearly, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize(
    ("moved", "told"),
    [
        ([], "needs flows in and flows out"),
        ([(0, "100")], "needs flows in and flows out"),
        ([(0, "100"), (30, "5")], "needs flows in and flows out"),
        ([(0, "-100"), (30, "0")], "needs flows in and flows out"),
        ([(0, "100"), (0, "-110")], "no rate makes the flows from 2025-01-01 to 2025-01-01 worth the same"),
    ],
)
def test_what_has_no_money_weighted_return_is_named(moved: list[tuple[int, str]], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        money_weighted_return(flows(*moved))


def test_measures_refuse_what_they_cannot_tell() -> None:
    with pytest.raises(ValueError, match="needs two returns or more"):
        volatility([0.01])
    with pytest.raises(ValueError, match="needs two returns or more, each above -100 %"):
        volatility([0.01, -1.0])


def test_a_drawdown_is_measured_from_the_peak_before_it() -> None:
    assert max_drawdown([0.0, 0.1, 0.05, -0.45]) == pytest.approx(0.5)
    assert max_drawdown([]) == 0
