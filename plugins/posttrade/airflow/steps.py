"""The steps of the firm's work: which office function a task calls, and as whom."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from importlib import import_module

from sqlalchemy import Engine

from posttrade.records.database import Role


@dataclass(frozen=True)
class OfficeCall:
    """One office function `(business_date, engine) -> counts` and the login it works with."""

    module: str
    function: str
    role: Role


@dataclass(frozen=True)
class Step:
    """One task: its calls run in order."""

    task_id: str
    purpose: str
    calls: tuple[OfficeCall, ...]
    reads_front_office: bool = False


def _step(task_id: str, purpose: str, *calls: tuple[str, Role], reads_front_office: bool = False) -> Step:
    return Step(task_id, purpose, tuple(OfficeCall(*_split(path), role) for path, role in calls), reads_front_office)


def _split(path: str) -> tuple[str, str]:
    module, function = path.split(".")
    return module, function


_STEPS = (
    _step(
        "record_reference_data",
        "Records firms, books, desks, clients, accounts, instruments and the like from the inbox of the business date.",
        ("front_office.record_reference_data", Role.LOADER),
    ),
    _step(
        "open_business_date",
        "Publishes the firm's calendar and opens the business date; refuses a holiday and a date out of order.",
        ("business_days.publish_calendar", Role.LOADER),
        ("business_days.open_business_date", Role.OPERATOR),
    ),
    _step(
        "record_market_data",
        "Records prices, exchange rates and corporate actions.",
        ("front_office.record_market_data", Role.LOADER),
    ),
    _step(
        "record_trades",
        "Pulls new, amended and cancelled trades from CSV drops, the FIX drop copy and the front-office table.",
        ("front_office.record_trades", Role.LOADER),
        reads_front_office=True,
    ),
    _step(
        "record_statements",
        "Records settlement statuses, custodian positions and bank balances.",
        ("front_office.record_statements", Role.LOADER),
    ),
    _step(
        "check_landing",
        "Runs the controls over what arrived; failing keys become alerts.",
        ("controls.check_landing", Role.OPERATOR),
    ),
    _step(
        "prepare_terms",
        "Publishes the procedures of the product lines and works out settlement dates, accruals and coupons.",
        ("middle_office.prepare_terms", Role.LOADER),
    ),
    _step(
        "build_middle_office",
        "Derives positions, lots, profit and loss, exposures and breaks.",
        ("derivations.build_middle_office", Role.TRANSFORMER),
    ),
    _step(
        "check_books",
        "Runs the controls over the books: losses, limits, prices, positions against the custodian.",
        ("controls.check_books", Role.OPERATOR),
    ),
    _step(
        "instruct_settlement",
        "Writes one settlement instruction per obligation.",
        ("settlement.instruct_settlement", Role.OPERATOR),
    ),
    _step(
        "prepare_payments",
        "Proposes the payments of income to clients; each waits for a second person in `release_payments`.",
        ("income.prepare_payments", Role.OPERATOR),
    ),
    _step(
        "post_journal",
        "Posts the day's journal entries and seals them.",
        ("accounting.post_journal", Role.POSTER),
    ),
    _step(
        "build_back_office",
        "Derives settlements, income, the general ledger, the statements made from it, and the bridge between the two results.",
        ("derivations.build_back_office", Role.TRANSFORMER),
    ),
    _step(
        "check_ledger",
        "Runs the controls over the ledger: balance, seals, trial balance, the two roads to the result.",
        ("controls.check_ledger", Role.OPERATOR),
    ),
    _step(
        "deliver_outbox",
        "Delivers what may leave the house; an open critical alert holds it back.",
        ("settlement.deliver_outbox", Role.OPERATOR),
    ),
    _step(
        "publish_report",
        "Writes the day's report.",
        ("publication.publish_report", Role.OPERATOR),
    ),
    _step(
        "close_business_date",
        "Closes the business date; later facts are booked in the next one.",
        ("business_days.close_business_date", Role.OPERATOR),
    ),
    _step(
        "publish_documentation",
        "Writes the documentation of the derivations and of the controls.",
        ("publication.publish_documentation", Role.OPERATOR),
    ),
    _step(
        "age_fails",
        "Ages the settlements that failed or are late.",
        ("settlement.age_fails", Role.OPERATOR),
    ),
    _step(
        "release_payments",
        "Puts every approved payment into the outbox, once.",
        ("income.release_payments", Role.OPERATOR),
    ),
)

STEPS: dict[str, Step] = {step.task_id: step for step in _STEPS}

CLOSING_STEPS: tuple[str, ...] = (
    "record_reference_data",
    "open_business_date",
    "record_market_data",
    "record_trades",
    "record_statements",
    "check_landing",
    "prepare_terms",
    "build_middle_office",
    "check_books",
    "instruct_settlement",
    "prepare_payments",
    "post_journal",
    "build_back_office",
    "check_ledger",
    "deliver_outbox",
    "publish_report",
    "close_business_date",
    "publish_documentation",
)
"""The steps of the daily close in order; a test holds them against the DAG."""


def calls_of(task_id: str) -> list[tuple[Callable[[date, Engine], dict[str, int]], Role]]:
    """The office functions of a step and the role each works with."""
    return [(getattr(import_module(f"posttrade.offices.{call.module}"), call.function), call.role) for call in STEPS[task_id].calls]
