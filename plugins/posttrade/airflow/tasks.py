"""From an Airflow task to an office function: the one wrapper that every task goes through."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from enum import StrEnum
from importlib import import_module
from typing import Any

from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from posttrade.airflow.connections import front_office_connection
from posttrade.airflow.steps import STEPS, Step
from posttrade.errors import PosttradeError
from posttrade.records.database import Role, engine

log = logging.getLogger(__name__)

TASK_DEFAULTS: dict[str, Any] = {
    "retries": 2,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
}
"""For `default_args` of every DAG: what fails by accident is tried again, a PosttradeError is not."""


class Clock(StrEnum):
    """Which business date a task works for."""

    RUN = "the date of the run"
    OPEN_DATE = "the open business date"


@dataclass(frozen=True)
class StepOutcome:
    """What became of one step."""

    task_id: str
    business_date: date
    seconds: float
    counts: dict[str, int]
    error: str | None = None


Observer = Callable[[StepOutcome], None]
_observers: list[Observer] = []


@contextmanager
def observed_by(observer: Observer) -> Iterator[None]:
    """Tell `observer` about every step that this process finishes within the block."""
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


def office_task(task_id: str, clock: Clock = Clock.RUN, **task_arguments: Any) -> Any:
    """The Airflow task of a step of `steps.STEPS`; call it inside a DAG or task group.

    Args:
        task_id: key in `STEPS`, and the task's id.
        clock: which business date it works for.
        task_arguments: passed to Airflow's `task`.
    """
    step = STEPS[task_id]

    def run_step() -> dict[str, int]:
        business_date = business_date_of(clock)
        with front_office_connection() if step.reads_front_office else nullcontext():
            return perform(step, business_date)

    run_step.__doc__ = step.purpose
    return task(task_id=task_id, doc_md=step.purpose, **task_arguments)(run_step)()


def perform(step: Step, business_date: date) -> dict[str, int]:
    """Call the functions of a step and say in the log what they did.

    Returns:
        The counts, added up over the calls; they become the task's XCom.

    Raises:
        AirflowFailException: the office says what is wrong; another try would not help.
    """
    # Imported after Airflow, GX registers several hundred functions aloud; the log is for operators.
    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    counts: dict[str, int] = {}
    started = time.monotonic()
    try:
        for call in step.calls:
            function = getattr(import_module(f"posttrade.offices.{call.module}"), call.function)
            for name, count in function(business_date, engine(call.role)).items():
                counts[name] = counts.get(name, 0) + count
    except PosttradeError as error:
        _tell(StepOutcome(step.task_id, business_date, time.monotonic() - started, counts, str(error)))
        log.error("%s for %s: %s", step.task_id, business_date, error)
        raise AirflowFailException(str(error)) from error
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        _tell(StepOutcome(step.task_id, business_date, time.monotonic() - started, counts, reason))
        raise
    _tell(StepOutcome(step.task_id, business_date, time.monotonic() - started, counts))
    log.info("%s for %s: %s", step.task_id, business_date, described(counts))
    return counts


def described(counts: dict[str, int]) -> str:
    """Counts as an operator reads them: `recorded 2,000 · rejected 3`."""
    return " · ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items()) or "nothing to do"


def business_date_of(clock: Clock) -> date:
    """The business date the current task works for.

    Raises:
        AirflowFailException: the run has no logical date.
        AirflowSkipException: no business date is open yet.
    """
    if clock is Clock.RUN:
        logical_date = get_current_context().get("logical_date")
        if logical_date is None:
            raise AirflowFailException(
                "This run has no logical date, so it has no business date. "
                "Trigger it again with the business date to close as its logical date."
            )
        return logical_date.astimezone(UTC).date()  # type: ignore[no-any-return]
    business_days = import_module("posttrade.offices.business_days")
    open_date: date | None = business_days.open_date(engine(Role.OPERATOR))
    if open_date is None:
        raise AirflowSkipException("No business date is open yet: the first run of close_business_day opens the firm.")
    return open_date


def _tell(outcome: StepOutcome) -> None:
    for observer in tuple(_observers):
        observer(outcome)
