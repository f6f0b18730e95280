"""Published values of returns: linked, money-weighted, volatility and drawdown.

Those of time-weighted returns go through the close, in integration/test_published_returns_closed.py."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from posttrade.domain.performance import ExternalFlow, accumulated_returns, max_drawdown, money_weighted_return, volatility

ANSWERS = Path(__file__).parents[1] / "data" / "conformance"
MEASURES = {
    "linked_return": lambda returns: accumulated_returns(returns)[-1],
    "volatility": volatility,
    "max_drawdown": max_drawdown,
}


def answers(name: str) -> list[dict[str, str]]:
    with (ANSWERS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    return rows


@pytest.mark.parametrize("row", answers("performance_measures"), ids=lambda row: f"{row['measure']} {row['values'][:40]}")
def test_measures_of_returns(row: dict[str, str]) -> None:
    values = [float(one) for one in row["values"].split()]
    found = MEASURES[row["measure"]](values)
    assert found == pytest.approx(float(row["expected"]), abs=float(row["tolerance"]))


@pytest.mark.parametrize("row", answers("money_weighted_returns"), ids=lambda row: row["flows"][:40])
def test_money_weighted_returns(row: dict[str, str]) -> None:
    """The sources count what the investor pays as negative; counted from the portfolio's side the rate is the same."""
    flows = [ExternalFlow(date.fromisoformat(flow[:10]), Decimal(flow[11:])) for flow in row["flows"].split()]
    expected = pytest.approx(float(row["expected"]), abs=float(row["tolerance"]))
    assert money_weighted_return(flows) == expected
    assert money_weighted_return([ExternalFlow(flow.flow_date, -flow.amount) for flow in reversed(flows)]) == expected


def test_without_a_valuation_there_is_no_return() -> None:
    """portfolio-performance/portfolio ClientIndexTest.java testThatNoValuationResultsInZeroPerformance."""
    assert accumulated_returns([])[-1] == 0
