"""Runs a suite through Great Expectations for a business date."""

import logging
import os
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.controls.build import BUSINESS_DATE_QUERY
from posttrade.controls.catalogue import Control, Suite, controls_of
from posttrade.errors import PosttradeError
from posttrade.settings import get_settings

LISTED_ROWS = 1000


@dataclass(frozen=True)
class ControlResult:
    """The answer to one control: how many rows fail, and the first of them."""

    control: Control
    failing_count: int
    failing_rows: tuple[dict[str, Any], ...]


def run_suite(suite: Suite, business_date: date, engine: sqlalchemy.Engine) -> list[ControlResult]:
    """Ask every control of a suite.

    Args:
        suite: which one.
        business_date: the date under control.
        engine: of the operator.

    Raises:
        PosttradeError: a control could not be asked; a control without an answer is never taken as passed.
    """
    with context(business_date, engine) as gx_context:
        outcome = gx_context.checkpoints.get(str(suite)).run()
    (validation,) = outcome.run_results.values()
    counts = {}
    for result in validation.results:
        control_id = result.expectation_config.meta["control_id"]
        if (result.exception_info and result.exception_info.get("raised_exception", False)) or _raised(result.exception_info):
            raise PosttradeError(
                f"The control {control_id} could not be asked for {business_date}: {_first_message(result.exception_info)}",
                "Check that the steps before it ran.",
            )
        counts[control_id] = int(result.result.get("observed_value") or 0)
    return [
        ControlResult(control, counts[control.control_id], _rows(control, business_date, engine) if counts[control.control_id] else ())
        for control in controls_of(suite)
    ]


def _raised(info: dict[str, Any] | None) -> bool:
    return any(isinstance(part, dict) and part.get("raised_exception") for part in (info or {}).values())


def _first_message(info: dict[str, Any]) -> str:
    parts = [info, *(part for part in info.values() if isinstance(part, dict))]
    message = next((str(part["exception_message"]) for part in parts if part.get("exception_message")), "no reason given")
    return message.splitlines()[0]


def _rows(control: Control, business_date: date, engine: sqlalchemy.Engine) -> tuple[dict[str, Any], ...]:
    """The first failing rows, for the alerts; the same query that Great Expectations judged."""
    statement = control.query.replace("{batch}", f"({BUSINESS_DATE_QUERY})")
    with engine.connect() as connection:
        connection.execute(text("select set_config('posttrade.business_date', :day, true)"), {"day": business_date.isoformat()})
        rows = connection.exec_driver_sql(statement.replace("%", "%%")).mappings().fetchmany(LISTED_ROWS)
    return tuple(dict(row) for row in rows)


@contextmanager
def context(business_date: date, engine: sqlalchemy.Engine) -> Iterator[Any]:
    """The Great Expectations project, connected as the operator for a business date; the password is in this process only."""
    settings = get_settings()
    work = settings.home / "great_expectations"
    address = engine.url.update_query_dict({"options": f"-c posttrade.business_date={business_date.isoformat()}"})
    given = {
        "POSTTRADE_GX_URL": address.render_as_string(hide_password=False),
        "POSTTRADE_GX_RESULTS": str(work / "results"),
        "POSTTRADE_GX_DOCS": str(work / "docs"),
        "GX_ANALYTICS_ENABLED": "false",
        "TQDM_DISABLE": "1",
    }
    before = {name: os.environ.get(name) for name in given}
    (work / "results").mkdir(parents=True, exist_ok=True)
    os.environ.update(given)
    # Imported after Airflow it names each of its functions at info: task logs are read by operators.
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import great_expectations as gx

            gx_context = gx.get_context(mode="file", context_root_dir=str(_project(work)))
            gx_context.variables.progress_bars = {"globally": False}
            yield gx_context
            for source in gx_context.data_sources.all().values():
                source.get_engine().dispose()
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _project(work: Path) -> Path:
    """A working copy: Great Expectations writes beside its configuration, and the repository must stay as it is."""
    project = work / f"project.{os.getpid()}"
    if not project.exists():
        for old in work.glob("project.*"):
            if not Path(f"/proc/{old.suffix[1:]}").exists():
                shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(get_settings().root / "expectations", project, ignore=shutil.ignore_patterns("uncommitted"))
    return project


def build_data_docs(business_date: date, engine: sqlalchemy.Engine) -> Path:
    """Build the Data Docs of the suites and of the last results; older results are cleared, as the site reads them whole."""
    with context(business_date, engine) as gx_context:
        gx_context.build_data_docs()
    work = get_settings().home / "great_expectations"
    results = sorted((work / "results").rglob("*.json"), key=lambda path: path.stat().st_mtime)
    for old in results[: -len(Suite) * 10]:
        old.unlink(missing_ok=True)
    return work / "docs" / "index.html"
