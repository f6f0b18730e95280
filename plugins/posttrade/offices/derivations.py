"""Builds the derivations of a business date with dbt: one invocation per business step, in this process."""

import hashlib
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.errors import PosttradeError
from posttrade.offices.large_days import is_large_day, stream_lots
from posttrade.records.book_states import Step, note_state
from posttrade.records.database import Role, url
from posttrade.settings import get_settings

# dbt's own picture of the project, by the project's checksum and the database it was read for.
_parsed_projects: dict[tuple[str, str], Any] = {}


def build_middle_office(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Build positions, results, exposures, income and breaks of a business date.

    Raises:
        PosttradeError: a model failed; the message names it and the database's answer.
    """
    with engine.begin() as connection:
        note_state(connection, business_date, Step.BOOKS)
    _build_views("staging", business_date, engine)
    if is_large_day(business_date, engine):
        run_dbt(["run", "--selector", "lots_streamed"], business_date)
        stream_lots(business_date)
        run_dbt(["run", "--selector", "middle_office_after_lots_streamed"], business_date)
    else:
        run_dbt(["run", "--selector", "middle_office"], business_date)
    return _row_counts(business_date, engine, ("fct_trades", "fct_positions", "fct_profit_and_loss", "fct_income", "fct_breaks"))


def build_back_office(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Build settlement states, ledger balances and the bridge of a business date.

    Raises:
        PosttradeError: a model failed; the message names it and the database's answer.
    """
    run_dbt(["run", "--selector", "back_office"], business_date)
    _build_views("marts", business_date, engine)
    return _row_counts(business_date, engine, ("fct_settlements", "rpt_profit_bridge"))


def closed_dates(engine: sqlalchemy.Engine) -> list[date]:
    """The closed business dates, oldest first."""
    with engine.connect() as connection:
        return list(connection.scalars(text("select business_date from operations.day_closings order by business_date")))


def rebuild(engine: sqlalchemy.Engine) -> Iterator[date]:
    """Drop every derivation and build it anew from the facts, one closed date after the other; gives each date once it is built.

    Facts are not touched: what was posted, instructed and paid stays. A date that is open is built by its own run. Killed in the
    middle, it is run again from the start.

    Args:
        engine: of the transformer, who owns the derivations.

    Raises:
        PosttradeError: a model failed; the message names it and the database's answer.
    """
    days = closed_dates(engine)
    with engine.begin() as connection:
        for kind, schema, name in connection.execute(text(DERIVATIONS)).all():
            connection.execute(text(f'drop {kind} if exists "{schema}"."{name}" cascade'))
        for schema in ("staging", "marts"):
            connection.execute(text(f"comment on schema {schema} is null"))
    for day in days:
        build_middle_office(day, engine)
        build_back_office(day, engine)
        yield day


DERIVATIONS = """
select case relkind when 'v' then 'view' else 'table' end, nspname, relname
from pg_class inner join pg_namespace on pg_class.relnamespace = pg_namespace.oid
where nspname in ('staging', 'intermediate', 'marts') and relkind in ('r', 'v') and relowner = current_user::regrole
"""


def run_dbt(arguments: list[str], business_date: date) -> Any:
    """Run one dbt command in this process, as the transformer, for a business date.

    Args:
        arguments: as on dbt's command line, e.g. `["run", "--selector", "middle_office"]`.
        business_date: reaches the models as a setting of the database session.

    Returns:
        dbt's own result object of the command.

    Raises:
        PosttradeError: the command failed; the message names the nodes and why.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from dbt.cli.main import dbtRunner  # costs two seconds

    settings = get_settings()
    project = settings.root / "dbt_project"
    work = settings.home / "dbt"
    options = [
        *("--project-dir", str(project), "--profiles-dir", str(project)),
        *("--target-path", str(work / "target"), "--log-path", str(work / "logs")),
        *("--log-level", "none", "--no-use-colors", "--no-version-check", "--no-write-json"),
    ]
    # Reading the project takes dbt longer than running a quiet day, and a process often closes several.
    parsed_from = (_project_checksum(), url(Role.TRANSFORMER).render_as_string())
    with _environment(business_date, work), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # dbt's own deprecations are for dbt's makers
        if parsed_from not in _parsed_projects:
            parsed = dbtRunner().invoke(["parse", *options])
            if not parsed.success:
                raise PosttradeError(_failure(["parse"], business_date, parsed), f"dbt's log is {work / 'logs' / 'dbt.log'}.")
            _parsed_projects[parsed_from] = parsed.result
        outcome = dbtRunner(manifest=_parsed_projects[parsed_from]).invoke([*arguments, *options])
    if not outcome.success:
        raise PosttradeError(_failure(arguments, business_date, outcome), f"dbt's log is {work / 'logs' / 'dbt.log'}.")
    return outcome.result


def _failure(arguments: list[str], business_date: date, outcome: Any) -> str:
    if outcome.exception is not None:
        return f"dbt {arguments[0]} failed for {business_date}: {outcome.exception}."
    failed = [
        f"{result.node.name}: {' '.join(str(result.message).split())}"
        for result in getattr(outcome.result, "results", [])
        if result.status in ("error", "fail", "runtime error")
    ]
    return f"dbt {arguments[0]} failed for {business_date}: {'; '.join(failed)}."


@contextmanager
def _environment(business_date: date, work: Path) -> Iterator[None]:
    """dbt reads its connection from the environment; the password is there only while it runs."""
    address = url(Role.TRANSFORMER)
    given = {
        "POSTTRADE_DBT_HOST": str(address.host),
        "POSTTRADE_DBT_PORT": str(address.port or 5432),
        "POSTTRADE_DBT_USER": str(address.username),
        "POSTTRADE_DBT_DATABASE": str(address.database),
        "DBT_ENV_SECRET_PASSWORD": str(address.password),
        # Compiling the statements takes longer than running them, and their sorts should stay in memory.
        "PGOPTIONS": f"-c posttrade.business_date={business_date.isoformat()} -c jit=off -c work_mem=64MB",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    before = {name: os.environ.get(name) for name in given}
    work.mkdir(parents=True, exist_ok=True)
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _build_views(schema: str, business_date: date, engine: sqlalchemy.Engine) -> None:
    """Views change with the project, not with the day: build them only when the project is another than last time."""
    checksum = _project_checksum()
    with engine.connect() as connection:
        built_from = connection.scalar(
            text("select obj_description(oid, 'pg_namespace') from pg_namespace where nspname = :schema"), {"schema": schema}
        )
    if built_from == checksum:
        return
    run_dbt(["run", "--selector", "staging_views" if schema == "staging" else "mart_views"], business_date)
    with engine.begin() as connection:
        connection.execute(text(f"comment on schema {schema} is '{checksum}'"))


def _project_checksum() -> str:
    project = get_settings().root / "dbt_project"
    digest = hashlib.md5(usedforsecurity=False)
    for pattern in ("dbt_project.yml", "selectors.yml", "macros/**/*.sql", "models/**/*"):
        for path in sorted(project.glob(pattern)):
            if path.is_file():
                digest.update(path.relative_to(project).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _row_counts(business_date: date, engine: sqlalchemy.Engine, marts: tuple[str, ...]) -> dict[str, int]:
    with engine.connect() as connection:
        return {
            mart: int(
                connection.scalar(
                    text(f"select count(*) from marts.{mart} where business_date = :business_date"),
                    {"business_date": business_date},
                )
                or 0
            )
            for mart in marts
        }
