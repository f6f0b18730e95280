"""Returns: what flows may not change, how their timing is taken, and what has no return."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posttrade.domain.performance import (
    ExternalFlow,
    FlowTiming,
    Valuation,
    annualised_return,
    average_capital,
    longest_drawdown_days,
    max_drawdown,
    modified_dietz_return,
    money_weighted_return,
    period_returns,
    time_weighted_return,
    volatility,
)

FIRST = date(2025, 1, 1)


def valuations(*values: str) -> list[Valuation]:
    return [Valuation(FIRST + timedelta(days=number), Decimal(value)) for number, value in enumerate(values)]


def flows(*amounts: tuple[int, str]) -> list[ExternalFlow]:
    return [ExternalFlow(FIRST + timedelta(days=number), Decimal(amount)) for number, amount in amounts]


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        # From 100 to 130, with 20 paid in and 10 taken out on the day.
        (FlowTiming.INFLOW_FIRST_OUTFLOW_LAST, 140 / 120 - 1),
        (FlowTiming.START, 130 / 110 - 1),
        (FlowTiming.END, 120 / 100 - 1),
    ],
)
def test_the_timing_of_flows_is_stated(timing: FlowTiming, expected: float) -> None:
    returns = period_returns(valuations("100", "130"), flows((0, "100"), (1, "20"), (1, "-10")), timing)
    assert [one.return_ratio for one in returns] == pytest.approx([0, expected])


def test_a_flow_between_two_valuations_belongs_to_the_later_one() -> None:
    days = [Valuation(FIRST, Decimal(100)), Valuation(FIRST + timedelta(days=3), Decimal(220))]
    assert time_weighted_return(days, flows((0, "100"), (2, "100"))) == pytest.approx(0.10)


def test_a_portfolio_that_empties_and_refills_keeps_its_return() -> None:
    found = time_weighted_return(valuations("100", "0", "0", "50", "55"), flows((0, "100"), (1, "-110"), (3, "50")))
    assert found == pytest.approx(1.1 * 1.1 - 1)


@given(
    st.lists(st.floats(-0.05, 0.05), min_size=1, max_size=12),
    st.lists(st.integers(-90, 5000), min_size=12, max_size=12),
)
def test_flows_do_not_change_the_time_weighted_return(daily: list[float], amounts: list[int]) -> None:
    """Portfolios that earn the same return every day have the same return, whatever comes and goes (PV-08 of the cases)."""
    value, days, moved = Decimal(1000), [Valuation(FIRST, Decimal(1000))], flows((0, "1000"))
    expected = 1.0
    for number, (ratio, amount) in enumerate(zip(daily, amounts, strict=False), start=1):
        flow = Decimal(amount)
        value = (value + max(flow, Decimal(0))) * (1 + Decimal(ratio)) + min(flow, Decimal(0))
        if value <= 0:
            break
        days.append(Valuation(FIRST + timedelta(days=number), value))
        moved.append(ExternalFlow(FIRST + timedelta(days=number), flow))
        expected *= 1 + ratio
    assert time_weighted_return(days, moved) == pytest.approx(expected - 1, abs=1e-9)


@given(st.decimals(1, 10**6, places=2), st.decimals(0, 10**6, places=2))
def test_without_flows_both_returns_are_the_plain_one(opening: Decimal, closing: Decimal) -> None:
    days = [Valuation(FIRST, opening), Valuation(FIRST + timedelta(days=30), closing)]
    plain = float(closing / opening - 1)
    assert time_weighted_return(days, [ExternalFlow(FIRST, opening)]) == pytest.approx(plain)
    assert modified_dietz_return(*days, []) == pytest.approx(plain)


def test_a_flow_on_the_closing_day_has_no_weight() -> None:
    opening, closing = Valuation(FIRST, Decimal(100)), Valuation(FIRST + timedelta(days=10), Decimal(160))
    assert average_capital(opening, closing, flows((10, "50"))) == 100
    assert modified_dietz_return(opening, closing, flows((10, "50"))) == pytest.approx(0.10)


@pytest.mark.parametrize(
    ("values", "moved", "told"),
    [
        (["100"], [(1, "5")], "the flow of 2025-01-02 follows the last valuation"),
        ([], [(0, "5")], "the flow of 2025-01-01 follows the last valuation"),
        (["0", "5"], [], "the period up to 2025-01-02 began with 0 and has no return"),
        (["-10", "5"], [(0, "-10")], "the period up to 2025-01-02 began with -10 and has no return"),
    ],
)
def test_what_has_no_time_weighted_return_is_named(values: list[str], moved: list[tuple[int, str]], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        time_weighted_return(valuations(*values), flows(*moved))


def test_valuations_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="not in order of date"):
        period_returns(valuations("1", "2")[::-1], [])


def test_what_has_no_modified_dietz_return_is_named() -> None:
    opening, closing = valuations("100", "110")
    with pytest.raises(ValueError, match="has no days"):
        average_capital(closing, opening, [])
    with pytest.raises(ValueError, match="the flow of 2025-01-01 lies outside"):
        average_capital(opening, closing, flows((0, "5")))
    with pytest.raises(ValueError, match="an average capital of 0 up to 2025-01-02 has no return"):
        modified_dietz_return(Valuation(FIRST, Decimal(0)), closing, [])


def test_a_money_weighted_return_weighs_by_what_was_there() -> None:
    """100 for a year, then 1,000 more: 10 % on the 100, 20 % on the 1,110, is 19.0 % a year of the money and 32 % of a unit."""
    moved = [ExternalFlow(date(2022, 1, 1), Decimal(100)), ExternalFlow(date(2023, 1, 1), Decimal(1000))]
    closing = ExternalFlow(date(2024, 1, 1), Decimal(-1332))
    rate = money_weighted_return([*moved, closing])
    # 100 (1 + r)^2 + 1,000 (1 + r) = 1,332, by the formula of the quadratic.
    assert rate == pytest.approx(-5 + (25 + 13.32) ** 0.5 - 1)
    days = [
        Valuation(date(2022, 1, 1), Decimal(100)),
        Valuation(date(2023, 1, 1), Decimal(1110)),
        Valuation(date(2024, 1, 1), Decimal(1332)),
    ]
    linked = time_weighted_return(days, moved, FlowTiming.END)
    assert linked == pytest.approx(1.1 * 1.2 - 1)


@given(st.decimals(1, 10**6, places=2), st.decimals(1, 10**6, places=2), st.integers(30, 3000))
def test_of_one_payment_the_money_weighted_return_is_the_yearly_one(opening: Decimal, closing: Decimal, days: int) -> None:
    end = FIRST + timedelta(days=days)
    yearly = annualised_return(float(closing / opening - 1), FIRST, end)
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
    with pytest.raises(ValueError, match="has no yearly equivalent"):
        annualised_return(0.1, FIRST, FIRST)


def test_a_drawdown_that_never_recovers_lasts_until_the_end() -> None:
    days = [FIRST + timedelta(days=number) for number in range(4)]
    assert longest_drawdown_days(days, [0.0, 0.1, 0.05, 0.02]) == 2
    assert max_drawdown([0.0, 0.1, 0.05, -0.45]) == pytest.approx(0.5)
    assert (max_drawdown([]), longest_drawdown_days([], [])) == (0, 0)
