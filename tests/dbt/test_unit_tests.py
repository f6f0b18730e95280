"""The dbt unit tests of the models, on a database with the day's tables."""

from collections.abc import Callable
from datetime import date

from posttrade.offices.derivations import run_dbt


def test_the_unit_tests_of_the_models_hold(firm: Callable[[int, int], list[date]]) -> None:
    (day,) = firm(1, 40)
    outcome = run_dbt(["test", "--select", "test_type:unit"], day)
    assert len(outcome.results) >= 3
