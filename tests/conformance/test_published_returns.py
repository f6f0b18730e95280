"""Published values of returns: time-weighted, linked, Modified Dietz, money-weighted, volatility and drawdown."""

import csv
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from posttrade.domain.performance import (
    ExternalFlow,
    Valuation,
    accumulated_returns,
    annualised_return,
    average_capital,
    linked_return,
    longest_drawdown_days,
    max_drawdown,
    modified_dietz_return,
    money_weighted_return,
    period_returns,
    semi_deviation,
    time_weighted_return,
    volatility,
)

ANSWERS = Path(__file__).parents[1] / "data" / "conformance"
MEASURES = {one.__name__: one for one in (linked_return, volatility, semi_deviation, max_drawdown)}


def answers(name: str) -> list[dict[str, str]]:
    with (ANSWERS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    return rows


RETURNS = answers("performance_returns")


@pytest.mark.parametrize("row", RETURNS, ids=lambda row: f"{row['portfolio']} {row['date']}")
def test_time_weighted_returns(row: dict[str, str]) -> None:
    """Money that comes in works from the start of the day on, money that leaves until its end.

    performance.csv prints 0.0294117647, 0.0285714286, -0.0545454545 and -0.0865384615 for 4, 5, 7 and 8 January 2012, the
    sample's returns before its amounts were rounded to cents; the answers here follow from the amounts.
    """
    until = [one for one in RETURNS if one["portfolio"] == row["portfolio"] and one["date"] <= row["date"]]
    valuations = [Valuation(date.fromisoformat(one["date"]), Decimal(one["value_amount"])) for one in until]
    flows = [ExternalFlow(date.fromisoformat(one["date"]), Decimal(one["flow_amount"])) for one in until]
    tolerance = float(row["tolerance"])
    returns = period_returns(valuations, flows)
    assert returns[-1].return_ratio == pytest.approx(float(row["expected_return"]), abs=tolerance)
    assert accumulated_returns(one.return_ratio for one in returns)[-1] == pytest.approx(float(row["expected_accumulated"]), abs=tolerance)
    assert time_weighted_return(valuations, flows) == pytest.approx(float(row["expected_accumulated"]), abs=tolerance)


@pytest.mark.parametrize("row", answers("performance_measures"), ids=lambda row: f"{row['measure']} {row['values'][:40]}")
def test_measures_of_returns(row: dict[str, str]) -> None:
    values = [float(one) for one in row["values"].split()]
    if row["measure"] == "longest_drawdown_days":
        found: float = longest_drawdown_days([date(2015, 1, 1) + timedelta(days=number) for number in range(len(values))], values)
    else:
        found = MEASURES[row["measure"]](values)
    assert found == pytest.approx(float(row["expected"]), abs=float(row["tolerance"]))


@pytest.mark.parametrize("row", answers("modified_dietz"), ids=lambda row: row["opening_date"])
def test_modified_dietz(row: dict[str, str]) -> None:
    opening = Valuation(date.fromisoformat(row["opening_date"]), Decimal(row["opening_amount"]))
    closing = Valuation(date.fromisoformat(row["closing_date"]), Decimal(row["closing_amount"]))
    flows = [ExternalFlow(date.fromisoformat(flow[:10]), Decimal(flow[11:])) for flow in row["flows"].split()]
    assert abs(average_capital(opening, closing, flows) - Decimal(row["expected_capital"])) <= Decimal("0.001")
    assert modified_dietz_return(opening, closing, flows) == pytest.approx(float(row["expected_return"]), abs=float(row["tolerance"]))


@pytest.mark.parametrize("row", answers("money_weighted_returns"), ids=lambda row: row["flows"][:40])
def test_money_weighted_returns(row: dict[str, str]) -> None:
    """The sources count what the investor pays as negative; counted from the portfolio's side the rate is the same."""
    flows = [ExternalFlow(date.fromisoformat(flow[:10]), Decimal(flow[11:])) for flow in row["flows"].split()]
    expected = pytest.approx(float(row["expected"]), abs=float(row["tolerance"]))
    assert money_weighted_return(flows) == expected
    assert money_weighted_return([ExternalFlow(flow.flow_date, -flow.amount) for flow in reversed(flows)]) == expected


def test_without_a_valuation_there_is_no_return() -> None:
    """portfolio-performance/portfolio ClientIndexTest.java testThatNoValuationResultsInZeroPerformance."""
    assert time_weighted_return([], []) == 0


def test_a_return_over_366_days_is_brought_to_a_year_of_365() -> None:
    """portfolio-performance/portfolio Issue672CapitalGainsIfSecurityIsTransferredTest.java."""
    found = annualised_return(0.10, date(2016, 1, 1), date(2017, 1, 1))
    assert found == pytest.approx(0.099713585934, abs=1e-12)
