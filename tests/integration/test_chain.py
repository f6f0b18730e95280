"""The whole chain on a small firm: agreement with the outside world, identities, and a second run that changes nothing."""

from collections.abc import Callable
from datetime import date

import pytest
from integration.conftest import close_day_by_dbt
from sqlalchemy import text
from typer.testing import CliRunner

from posttrade.cli import app
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, engine
from posttrade.records.fingerprint import fingerprint

pytestmark = pytest.mark.slow


def rows(query: str) -> list[tuple[object, ...]]:
    with engine(Role.AUDITOR).connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_the_days_close_and_closing_them_again_in_any_order_changes_nothing(firm: Callable[[int, int], list[date]]) -> None:
    dates = firm(4, 150)
    before = fingerprint(engine(Role.AUDITOR))
    assert before["marts.fct_positions"] != before["marts.fct_income"]

    # They were closed by what dbt ran for another firm; now by dbt itself.
    for business_date in (dates[2], dates[0]):
        close_day_by_dbt(business_date)
    assert fingerprint(engine(Role.AUDITOR)) == before

    # So does dropping every derivation and building it from the facts.
    built = CliRunner().invoke(app, ["rebuild", "--yes"])
    assert built.exit_code == 0, built.output
    assert built.output.splitlines()[1:] == [
        *(f"{day}  built  {number} of 4" for number, day in enumerate(dates, 1)),
        "Every table is the same as before.",
    ]
    assert fingerprint(engine(Role.AUDITOR)) == before

    # Two roads to the result meet, and the only break is the one the simulator planted.
    assert rows("select * from marts.rpt_profit_bridge where difference_amount <> 0") == []
    assert rows("select break_type, difference_amount::integer from marts.fct_breaks where business_date = '2026-01-08'") in (
        [("POSITION", -10)],
        [],
    )
    assert rows("select * from marts.fct_breaks where break_type = 'CASH'") == []

    # Every identity and grain of the marts.
    outcome = run_dbt(["test", "--exclude", "test_type:unit"], dates[-1])
    assert len(outcome.results) >= 20
