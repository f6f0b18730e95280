"""Closes business days through the real DAG in this process, without scheduler or api-server."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from posttrade.errors import PosttradeError
from posttrade.settings import get_settings

DAG_ID = "close_business_day"


@dataclass(frozen=True)
class Progress:
    """One finished step (`task_id` set) or one closed day (`task_id` empty)."""

    business_date: date
    task_id: str
    seconds: float
    counts: dict[str, int]


@dataclass(frozen=True)
class ClosedDay:
    """A day that was closed: seconds of the whole run and of every step's own work."""

    business_date: date
    seconds: float
    step_seconds: dict[str, float]
    counts: dict[str, dict[str, int]]


def run_days(
    business_dates: Sequence[date],
    before_day: Callable[[date], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[ClosedDay]:
    """Close the given dates in order, one run of `close_business_day` each.

    Airflow reads its environment at import: the caller sets `runtime.environment.airflow_environment` before, and
    prepares the metadata with `runtime.airflow_services.prepare`. What Airflow prints goes to `home`/logs/run.log.

    Args:
        business_dates: oldest first.
        before_day: called with each date before its run starts.
        on_progress: called after every step and after every day; it may print.

    Raises:
        PosttradeError: a task failed; the message names the date, the task and its reason.
    """
    console = _Console(get_settings().home / "logs" / "run.log")
    closed = []
    with console.quiet():
        dag = _load_dag()
        for business_date in business_dates:
            if before_day is not None:
                with console.loud():
                    before_day(business_date)
            closed.append(_close(dag, business_date, on_progress, console))
    return closed


def _load_dag() -> Any:
    if "AIRFLOW_HOME" not in os.environ:
        raise PosttradeError("Airflow's environment is not set.", "Start the day with `./posttrade run`.")
    from airflow.dag_processing.dagbag import DagBag

    folder = get_settings().root / "dags"
    bag = DagBag(dag_folder=str(folder / f"{DAG_ID}.py"))
    if bag.import_errors:
        file, reason = next(iter(bag.import_errors.items()))
        raise PosttradeError(f"The DAG file {file} cannot be read: {reason.strip().splitlines()[-1]}")
    dag = bag.dags[DAG_ID]
    # A person waits in front of this run: a task that fails is shown at once.
    for task in dag.tasks:
        task.retries = 0
    return dag


def _close(dag: Any, business_date: date, on_progress: Callable[[Progress], None] | None, console: "_Console") -> ClosedDay:
    from posttrade.airflow.tasks import StepOutcome, observed_by

    outcomes: list[StepOutcome] = []

    def note(outcome: StepOutcome) -> None:
        outcomes.append(outcome)
        if on_progress is not None and outcome.error is None:
            with console.loud():
                on_progress(Progress(business_date, outcome.task_id, outcome.seconds, outcome.counts))

    midnight = datetime(business_date.year, business_date.month, business_date.day, tzinfo=UTC)
    started_at, started = datetime.now(UTC), time.monotonic()
    with observed_by(note):
        after_the_close = dag.timetable.infer_manual_data_interval(run_after=midnight).end
        run = dag.test(run_after=after_the_close, logical_date=midnight)
    _date_by_the_clock(run, started_at)
    if str(run.state) != "success":
        raise _failure(run, business_date, outcomes, console.log_file)
    seconds = time.monotonic() - started
    if on_progress is not None:
        with console.loud():
            on_progress(Progress(business_date, "", seconds, {}))
    return ClosedDay(
        business_date,
        seconds,
        {outcome.task_id: outcome.seconds for outcome in outcomes},
        {outcome.task_id: outcome.counts for outcome in outcomes},
    )


def _date_by_the_clock(run: Any, started_at: datetime) -> None:
    """`dag.test` says a run started at its logical date; the grid would show a day of 2026 as running for months."""
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import update

    with create_session() as session:
        session.execute(update(DagRun).where(DagRun.id == run.id).values(start_date=started_at))


def _failure(run: Any, business_date: date, outcomes: Sequence[Any], log_file: Path) -> PosttradeError:
    for outcome in outcomes:
        if outcome.error is not None:
            return PosttradeError(f"{business_date}: the task {outcome.task_id} failed: {outcome.error}", f"The whole log is {log_file}.")
    failed = sorted(task.task_id for task in run.get_task_instances() if str(task.state) == "failed")
    return PosttradeError(
        f"{business_date}: the run of {DAG_ID} ended as {run.state}; failed: {', '.join(failed) or 'no task'}.",
        f"The whole log is {log_file}.",
    )


class _Console:
    """Sends all output of the process to a file, and back to the terminal while a person is to read something.

    At the level of file descriptors: Airflow, dbt and GX each hold on to a stream of their own.
    """

    def __init__(self, log_file: Path) -> None:
        self.log_file = log_file

    @contextmanager
    def quiet(self) -> Iterator[None]:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        _flush()
        self._terminal = (os.dup(1), os.dup(2))
        self._file = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._to_file()
        try:
            yield
        finally:
            self._to_terminal()
            for descriptor in (*self._terminal, self._file):
                os.close(descriptor)

    @contextmanager
    def loud(self) -> Iterator[None]:
        self._to_terminal()
        try:
            yield
        finally:
            self._to_file()

    def _to_file(self) -> None:
        _flush()
        os.dup2(self._file, 1)
        os.dup2(self._file, 2)

    def _to_terminal(self) -> None:
        _flush()
        os.dup2(self._terminal[0], 1)
        os.dup2(self._terminal[1], 2)


def _flush() -> None:
    sys.stdout.flush()
    sys.stderr.flush()
