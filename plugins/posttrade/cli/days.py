"""Close days: run, close, simulate, rebuild."""

import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import sqlalchemy
import sqlalchemy.exc
import typer
from rich.table import Table

from posttrade.cli.application import Interrupted, app
from posttrade.cli.surroundings import date_of, out, prepare_installation, settings_for, shown
from posttrade.errors import PosttradeError
from posttrade.settings import Settings

DATE_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}")
SAMPLE_DAYS, SAMPLE_TRADES, SAMPLE_SEED = 5, 2000, 7


@app.command()
def run(
    inbox: Annotated[Path | None, typer.Option(help="Folder with one sub-folder of files per business date.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Close days that are closed already once more; nothing changes.")] = False,
) -> None:
    """Close every business day found in the inbox, through the real Airflow DAG.

    Without --inbox and without files of your own, a sample firm of five days with 2,000 trades each is written first.
    """
    from posttrade.runtime.postgres import running_server

    settings = settings_for(inbox)
    started = time.monotonic()
    with running_server():
        prepare_installation(settings)
        if not settings.inbox.exists():
            if inbox is not None:
                raise PosttradeError(f"There is no folder {inbox}.", "Give a folder with sub-folders named by date: 2026-01-05.")
            _write_sample(settings)
        days = business_dates(settings.inbox)
        closed = _closed_days()
        waiting = days if again else [day for day in days if day not in closed]
        if not waiting:
            out.print(f"All {len(days)} days of {settings.inbox} are closed. Use --again to close them once more.")
        else:
            _close_days(settings, waiting)
        _print_summary(days)
        last = settings.reports / str(days[-1]) / "end_of_day.html"
        report = last if last.exists() else next(settings.reports.rglob(f"*{days[-1]}*.html"), last)
        out.print(f"\nReport of the last day: {report}")
        out.print(f"Done in {time.monotonic() - started:.0f} s. Look around with ./posttrade sql, or ./posttrade up for Airflow.")


@app.command()
def close(business_date: Annotated[str, typer.Argument(help="The business date, e.g. 2026-01-05.")]) -> None:
    """Close one business day; closing a closed day again changes nothing."""
    from posttrade.runtime.postgres import running_server

    settings = settings_for(None)
    with running_server():
        prepare_installation(settings)
        _close_days(settings, [date_of(business_date)])


def business_dates(inbox: Path) -> list[date]:
    """The dates of an inbox, oldest first.

    Raises:
        PosttradeError: there is none.
    """
    days = sorted(date_of(folder.name) for folder in inbox.iterdir() if folder.is_dir() and DATE_FOLDER.fullmatch(folder.name))
    if not days:
        raise PosttradeError(f"{inbox} holds no business day.", "Put the files of a day into a sub-folder named by its date: 2026-01-05.")
    return days


def _close_days(settings: Settings, days: list[date]) -> None:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from posttrade.airflow.run_days import run_days
    from posttrade.simulator.answers import answer

    is_simulated = (settings.inbox / "simulation.json").exists()
    steps_a_day = 18
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TimeElapsedColumn())
    with Progress(
        *columns, console=out, disable=not out.is_terminal, auto_refresh=False, redirect_stdout=False, redirect_stderr=False
    ) as bar:
        task = bar.add_task("closing", total=len(days) * steps_a_day)

        def before_day(day: date) -> None:
            if is_simulated:
                answer(settings.inbox, settings.outbox, day)

        def on_progress(progress: Any) -> None:
            if progress.task_id:
                bar.update(task, advance=1, description=f"{progress.business_date} {progress.task_id.replace('_', ' ')}", refresh=True)
            else:
                out.print(f"{progress.business_date} closed in {progress.seconds:5.1f} s")

        with _interruption():
            run_days(days, before_day, on_progress)


@contextmanager
def _interruption() -> Iterator[None]:
    """Ctrl-C ends the run as an interruption, also where Airflow or dbt turn it into a failed task."""
    interrupted = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.append(number)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    except (PosttradeError, KeyboardInterrupt):
        if interrupted:
            raise Interrupted from None
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def _write_sample(settings: Settings) -> None:
    from posttrade.simulator.world import write_world

    out.print(f"Writing a sample firm to {settings.inbox}: {SAMPLE_DAYS} days of {SAMPLE_TRADES:,} trades.")
    write_world(settings.inbox, days=SAMPLE_DAYS, trades=SAMPLE_TRADES, seed=SAMPLE_SEED)


def _closed_days() -> set[date]:
    from posttrade.records.database import Role, engine

    with engine(Role.OPERATOR).connect() as connection:
        return set(connection.scalars(sqlalchemy.text("select business_date from operations.day_closings")))


def _print_summary(days: list[date]) -> None:
    from posttrade.records.database import Role, engine

    with engine(Role.AUDITOR).connect() as connection:
        rows = connection.execute(sqlalchemy.text(SUMMARY), {"days": days}).all()
        books = connection.execute(sqlalchemy.text(RESULT_BY_BOOK), {"days": days}).all()
    table = Table(title="The days", header_style="bold")
    for heading in (
        "date",
        "trades",
        "rejected",
        "positions",
        "P&L (base)",
        "alerts",
        "critical",
        "breaks",
        "settled",
        "open",
        "income",
        "payments",
    ):
        table.add_column(heading, justify="left" if heading == "date" else "right")
    for row in rows:
        table.add_row(*(shown(value) for value in row))
    out.print(table)
    table = Table(title="P&L by desk and book, base currency, all days shown", header_style="bold")
    for heading in ("desk", "book", "price", "accrual", "FX", "income", "fees", "new trades", "corrections", "total"):
        table.add_column(heading, justify="left" if heading in ("desk", "book") else "right")
    for row in books:
        table.add_row(*(shown(value) for value in row))
    out.print(table)


@app.command()
def simulate(
    directory: Annotated[Path, typer.Argument(help="Folder to write; new, or a simulated one to replace.")],
    days: Annotated[int, typer.Option(min=1, help="Business days.")] = 5,
    trades: Annotated[int, typer.Option(min=1, help="New trades a day.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed writes the same files.")] = 7,
) -> None:
    """Write the files of an invented firm: reference data, prices, trades from three sources."""
    from posttrade.simulator.world import write_world

    dates = write_world(directory.resolve(), days=days, trades=trades, seed=seed)
    out.print(f"{len(dates)} days from {dates[0]} to {dates[-1]} in {directory}. Close them: ./posttrade run --inbox {directory}")


@app.command(name="rebuild")
def rebuild_derivations(
    yes: Annotated[bool, typer.Option("--yes", help="Drop and build without asking.")] = False,
) -> None:
    """Drop every derivation and build it anew from the facts; exit code 1 if a mart is another than before."""
    from posttrade.offices.derivations import closed_dates, rebuild
    from posttrade.records.database import Role, engine
    from posttrade.records.fingerprint import fingerprint
    from posttrade.runtime.postgres import running_server

    settings_for(None)
    with running_server():
        days = closed_dates(engine(Role.TRANSFORMER))
        if not days:
            out.print("No date is closed; there is nothing to rebuild.")
            return
        out.print(f"{len(days)} closed dates, {days[0]} to {days[-1]}. Facts stay; marts cannot be read until their dates are built again.")
        if not yes:
            typer.confirm("Drop the derivations and build them anew?", abort=True)
        before = fingerprint(engine(Role.AUDITOR))
        for number, day in enumerate(rebuild(engine(Role.TRANSFORMER)), 1):
            out.print(f"{day}  built  {number} of {len(days)}")
        after = fingerprint(engine(Role.AUDITOR))
    others = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    if others:
        out.print(f"Another than before: {', '.join(others)}.", markup=False, soft_wrap=True)
        out.print("Expected after an update of the software or while a date is open; else the tables were changed by hand.", soft_wrap=True)
        raise typer.Exit(1)
    out.print("Every table is the same as before.")


SUMMARY = """
select
    day::text,
    (select count(*) from marts.fct_trades where business_date = day),
    (select count(*) from operations.exceptions where business_date = day),
    (select count(*) from marts.fct_positions where business_date = day and traded_quantity <> 0),
    (select coalesce(sum(total_amount_base), 0) from marts.fct_profit_and_loss where business_date = day),
    (select count(*) from marts.fct_alerts where business_date = day),
    (select count(*) from marts.fct_alerts where business_date = day and severity = 'critical' and alert_status <> 'RESOLVED'),
    (select count(*) from marts.fct_breaks where business_date = day),
    (select count(*) from marts.fct_settlements where business_date = day and settlement_status = 'SETTLED'),
    (select count(*) from marts.fct_settlements where business_date = day and settlement_status in ('PENDING', 'PARTIAL', 'FAILED')),
    (select count(*) from marts.fct_income where business_date = day),
    (select count(*) from marts.fct_payments where business_date = day)
from unnest(cast(:days as date[])) as day
order by day
"""

RESULT_BY_BOOK = """
select
    books.desk_name, results.book_id, sum(price_amount_base), sum(accrual_amount_base), sum(fx_amount_base), sum(income_amount_base),
    sum(fees_amount_base), sum(new_trades_amount_base),
    sum(prior_day_corrections_amount_base + corporate_actions_amount_base), sum(total_amount_base)
from marts.fct_profit_and_loss as results
inner join marts.dim_books as books on results.book_id = books.book_id
where results.business_date = any(:days)
group by books.desk_name, results.book_id
order by books.desk_name, results.book_id
"""
