"""A small simulated firm closed by the office functions, without Airflow."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from integration.recorded_dbt import recorded_dbt

from posttrade.offices import accounting, business_days, derivations, front_office, income, middle_office, settlement
from posttrade.records.database import Role, engine
from posttrade.settings import get_settings
from posttrade.simulator.answers import answer
from posttrade.simulator.world import write_world

STEPS = (
    (front_office.record_reference_data, Role.LOADER),
    (business_days.publish_calendar, Role.LOADER),
    (business_days.open_business_date, Role.OPERATOR),
    (front_office.record_market_data, Role.LOADER),
    (front_office.record_trades, Role.LOADER),
    (front_office.record_statements, Role.LOADER),
    (middle_office.prepare_terms, Role.LOADER),
    (derivations.build_middle_office, Role.TRANSFORMER),
    (settlement.instruct_settlement, Role.OPERATOR),
    (income.prepare_payments, Role.OPERATOR),
    (accounting.post_journal, Role.POSTER),
    (derivations.build_back_office, Role.TRANSFORMER),
    (settlement.deliver_outbox, Role.OPERATOR),
    (business_days.close_business_date, Role.OPERATOR),
)


def close_day(business_date: date) -> dict[str, dict[str, int]]:
    """Close one day, by what dbt ran for another; gives the counts of every step."""
    with recorded_dbt():
        return close_day_by_dbt(business_date)


def run_day_until(last: Callable[..., object], business_date: date) -> None:
    """Run the steps of a day up to one of them, as an operator does who has to wait for the rest of its files."""
    with recorded_dbt():
        for step, role in STEPS[: [step for step, _ in STEPS].index(last) + 1]:
            step(business_date, engine(role))


def close_day_by_dbt(business_date: date) -> dict[str, dict[str, int]]:
    """Close one day; gives the counts of every step."""
    return {step.__name__: step(business_date, engine(role)) for step, role in STEPS}


@pytest.fixture
def firm(fresh_database: str) -> Callable[[int, int], list[date]]:  # noqa: ARG001 - the database must be there
    """Write a simulated firm and close its days: `firm(days, trades)` gives the dates."""

    def make(days: int, trades: int) -> list[date]:
        settings = get_settings()
        dates = write_world(settings.inbox, days=days, trades=trades, seed=11)
        for business_date in dates:
            answer(settings.inbox, settings.outbox, business_date)
            close_day(business_date)
        return dates

    return make


@pytest.fixture
def simulated_positions() -> Callable[[date], dict[tuple[str, str, str], str]]:
    """The simulator's own books of a date, kept without SQL: quantity by book, account and instrument."""
    import csv
    from decimal import Decimal

    def read(business_date: date) -> dict[tuple[str, str, str], str]:
        path: Path = get_settings().inbox / "simulation" / f"positions_{business_date}.csv"
        rows = csv.DictReader(path.read_text().splitlines())
        return {
            (row["book_id"], row["account_id"], row["instrument_id"]): str(Decimal(row["traded_quantity"]).normalize())
            for row in rows
            if Decimal(row["traded_quantity"]) != 0
        }

    return read
