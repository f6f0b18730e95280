"""./posttrade: run, look at and look after the firm's days."""

import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import sqlalchemy.exc
import typer
from rich.console import Console
from rich.table import Table

from posttrade.errors import PosttradeError
from posttrade.settings import Settings, get_settings

app = typer.Typer(
    help="The daily middle- and back-office work of an investment firm: close days, look at the result, look after it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
exceptions_app = typer.Typer(help="Rows that could not be recorded: list, replay after correction, dismiss.", no_args_is_help=True)
alerts_app = typer.Typer(help="Alerts of the controls: list, acknowledge.", no_args_is_help=True)
payments_app = typer.Typer(help="Income payments to clients: list, approve, reject, release.", no_args_is_help=True)
periods_app = typer.Typer(help="Accounting periods: list, close.", no_args_is_help=True)
trades_app = typer.Typer(
    help="Trades that are not in the books: beyond the posting cut-off (held, release, refuse), blocks not allocated.", no_args_is_help=True
)
app.add_typer(exceptions_app, name="exceptions")
app.add_typer(alerts_app, name="alerts")
app.add_typer(payments_app, name="payments")
app.add_typer(periods_app, name="periods")
app.add_typer(trades_app, name="trades")

out = Console(highlight=False, width=None if Console().is_terminal else 150)
DATE_FOLDER = re.compile(r"\d{4}-\d{2}-\d{2}")
LISTED_ENTRIES = 20
SAMPLE_DAYS, SAMPLE_TRADES, SAMPLE_SEED = 5, 2000, 7


class Interrupted(Exception):
    """A person has stopped the run."""


def main() -> None:
    """Run the command line; what a person can mend is one sentence on stderr and exit code 1."""
    logging.basicConfig(level=logging.WARNING)
    try:
        app(prog_name="./posttrade")
    except Interrupted:
        print("posttrade: stopped; what was finished is kept, nothing is half-written.", file=sys.stderr)
        sys.exit(130)
    except PosttradeError as error:
        print(f"posttrade: {error}", file=sys.stderr)
        sys.exit(1)
    except sqlalchemy.exc.OperationalError as error:
        print(f"posttrade: the database does not answer: {str(error.orig).splitlines()[0]}", file=sys.stderr)
        sys.exit(1)


# ------------------------------------------------------------------ close days


@app.command()
def run(
    inbox: Annotated[Path | None, typer.Option(help="Folder with one sub-folder of files per business date.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Close days that are closed already once more; nothing changes.")] = False,
) -> None:
    """Close every business day found in the inbox, through the real Airflow DAG.

    Without --inbox and without files of your own, a sample firm of five days with 2,000 trades each is written first.
    """
    from posttrade.runtime.postgres import running_server

    settings = _settings(inbox)
    started = time.monotonic()
    with running_server():
        _prepare(settings)
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

    settings = _settings(None)
    with running_server():
        _prepare(settings)
        _close_days(settings, [_date(business_date)])


def business_dates(inbox: Path) -> list[date]:
    """The dates of an inbox, oldest first.

    Raises:
        PosttradeError: there is none.
    """
    days = sorted(_date(folder.name) for folder in inbox.iterdir() if folder.is_dir() and DATE_FOLDER.fullmatch(folder.name))
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


def _prepare(settings: Settings) -> None:
    """The database at this version's schema, Airflow's metadata beside it, its environment in this process."""
    from posttrade.records.migrate import migrate
    from posttrade.runtime import airflow_services
    from posttrade.runtime.environment import airflow_environment

    with out.status("Preparing the database and Airflow"):
        migrate()
        airflow_services.prepare(settings)
    os.environ.update(airflow_environment(settings))


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
        table.add_row(*(_shown(value) for value in row))
    out.print(table)
    table = Table(title="P&L by desk and book, base currency, all days shown", header_style="bold")
    for heading in ("desk", "book", "price", "accrual", "FX", "income", "fees", "new trades", "corrections", "total"):
        table.add_column(heading, justify="left" if heading in ("desk", "book") else "right")
    for row in books:
        table.add_row(*(_shown(value) for value in row))
    out.print(table)


def _shown(value: object) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    if value is None or isinstance(value, str | date):
        return str(value or "")
    return f"{value:,.2f}"


def _percent(ratio: float | None) -> str:
    if ratio is None:
        return "–"
    # Of a few days a yearly rate says no more than that it is large.
    return f"{ratio:.2%}" if ratio < 10 else ">1,000%"


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


# ------------------------------------------------------------------ the installation


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


@app.command()
def up(port: Annotated[int | None, typer.Option(help="Port of the web pages on 127.0.0.1.")] = None) -> None:
    """Start Airflow on the firm's database, and keep both running."""
    from posttrade.runtime import airflow_services, postgres

    settings = _settings(None)
    with postgres.running_server():
        _prepare(settings)
        access = airflow_services.up(settings, port or settings.web_port)
        if not settings.has_own_database:
            postgres.keep(True)
    out.print(f"Airflow is up: {access.address}")
    out.print(f"Log in as {access.username} with the password {access.password}")
    for name, password in access.others.items():
        out.print(f"Log in as {name} with the password {password}")
    out.print("Stop it with ./posttrade down")


@app.command()
def down() -> None:
    """Stop Airflow and the embedded database."""
    from posttrade.runtime import airflow_services, postgres

    settings = _settings(None)
    stopped = airflow_services.down(settings)
    if not settings.has_own_database and postgres.is_running():
        postgres.keep(False)
        postgres.stop()
        stopped = [*stopped, "postgres"]
    out.print(f"Stopped: {', '.join(stopped)}." if stopped else "Nothing was running.")


@app.command()
def status() -> None:
    """Say what runs, where the data is and which business date is open."""
    from posttrade.records.database import Role, administrator_url, engine
    from posttrade.runtime import airflow_services, postgres

    settings = _settings(None)
    table = Table(show_header=False, box=None)
    table.add_row("data", str(settings.home))
    table.add_row("inbox", str(settings.inbox))
    table.add_row("outbox", str(settings.outbox))
    table.add_row("reports", str(settings.reports))
    is_running = settings.has_own_database or postgres.is_running()
    address = administrator_url().set(password=None, username=None).render_as_string() if is_running else "not running"
    table.add_row("database", address)
    for name, process in airflow_services.status(settings).items():
        table.add_row(name, f"running, process {process}" if process else "not running")
    if is_running:
        from posttrade.offices.business_days import open_date

        try:
            table.add_row("open date", str(open_date(engine(Role.OPERATOR)) or "none yet: the first day opens the firm"))
        except sqlalchemy.exc.ProgrammingError:
            table.add_row("open date", "the schema is not set up; ./posttrade run does it")
    else:
        table.add_row("open date", "shown while the database runs")
    out.print(table)


@app.command()
def prepare() -> None:
    """Bring the database and Airflow's metadata to this version; `run` and `up` do it by themselves."""
    from posttrade.runtime.postgres import running_server

    settings = _settings(None)
    with running_server():
        _prepare(settings)
    out.print("The database and Airflow's metadata are up to date.")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []})
def airflow(context: typer.Context) -> None:
    """Run an Airflow command on this installation, e.g. airflow dags test close_business_day 2026-01-05."""
    from posttrade.runtime import airflow_services
    from posttrade.runtime.postgres import running_server

    settings = _settings(None)
    with running_server():
        code = airflow_services.run_command(settings, context.args)
    raise typer.Exit(code)


# ------------------------------------------------------------------ look at the result


@app.command()
def sql(
    query: Annotated[str | None, typer.Option("--command", "-c", help="Print the rows of this query.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Comma-separated, for machines.")] = False,
) -> None:
    """Open psql on the marts as the read-only analyst, or print the rows of one query."""
    from posttrade.records.database import Role, url
    from posttrade.runtime import postgres

    settings = _settings(None)
    with postgres.running_server():
        address = url(Role.ANALYST)
        environment = {
            **os.environ,
            "PGHOST": str(address.host),
            "PGPORT": str(address.port or 5432),
            "PGUSER": str(address.username),
            "PGPASSWORD": str(address.password),
            "PGDATABASE": str(address.database),
        }
        arguments = [str(postgres.binary("psql")), "--no-psqlrc", "--set", "ON_ERROR_STOP=1"]
        if as_csv:
            arguments.append("--csv")
        if query is not None:
            arguments += ["--command", query]
        outcome = subprocess.run(arguments, env=environment, check=False)
    del settings
    raise typer.Exit(outcome.returncode)


@app.command()
def returns(
    book: Annotated[str | None, typer.Option(help="Only this book.")] = None,
    first: Annotated[str | None, typer.Option("--from", help="First business date whose return counts, e.g. 2026-01-05.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Last business date whose return counts.")] = None,
) -> None:
    """Print the returns of the books, with their risk.

    They are returns on the capital in securities, in base currency. TWR links the days' returns, whatever came and went. MWR is the
    internal rate of return of what came and went, over the same time and of a year. Volatility is that of the daily returns over the
    whole time, drawdown the largest loss from a peak. How a book's value and flows are counted: the mart rpt_book_returns.
    """
    from posttrade.records.database import Role, engine
    from posttrade.records.migrate import migrate
    from posttrade.reports.book_returns import read_book_returns
    from posttrade.runtime.postgres import running_server

    _settings(None)
    dates = [_date(given) if given else None for given in (first, last)]
    with running_server():
        migrate()
        found = read_book_returns(engine(Role.ANALYST), book, *dates)
    table = Table(title="Returns by book, base currency", header_style="bold")
    for heading in ("book", "from", "to", "days", "opening", "closing", "TWR", "MWR", "MWR a year", "volatility", "max drawdown"):
        table.add_column(heading, justify="left" if heading in ("book", "from", "to") else "right")
    for one in found:
        ratios = (one.time_weighted, one.money_weighted, one.money_weighted_yearly, one.volatility, one.max_drawdown)
        amounts = (one.opening_value_amount_base, one.closing_value_amount_base)
        known = (one.book_id, one.first_date, one.last_date, one.date_count, *amounts)
        table.add_row(*(_shown(value) for value in known), *(_percent(value) for value in ratios))
    out.print(table)


@app.command()
def changes(
    book: Annotated[str, typer.Option(help="The book.")],
    of_date: Annotated[str, typer.Option("--date", help="The closed date whose figures are asked for, e.g. 2026-01-05.")],
    known_at: Annotated[
        str | None, typer.Option(help="As known at this moment, e.g. 2026-01-06T18:00+00:00; without it, at the date's own close.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also what did not change.")] = False,
) -> None:
    """Print a book's figures of a date as known at a moment and as known now, with what explains the difference.

    Result is that since the firm's first date, in base currency. The figures themselves are never rewritten: what is learned later is
    booked in the date on which it is learned.
    """
    from posttrade.records.database import Role, engine
    from posttrade.records.migrate import migrate
    from posttrade.reports.changes import Figure, read_changes
    from posttrade.runtime.postgres import running_server

    _settings(None)
    moment = _moment(known_at) if known_at else None
    day = _date(of_date)
    with running_server():
        migrate()
        known_date, found = read_changes(engine(Role.ANALYST), book, day, moment)
    table = Table(title=f"{book} on {day}, as known at the close of {known_date} and now", header_style="bold")
    for heading in ("instrument", "", "quantity", "market value", "result"):
        table.add_column(heading, justify="left" if heading in ("instrument", "") else "right")

    def add(name: str, what: str, figure: Figure) -> None:
        amounts = (figure.market_value_amount_base, figure.total_amount_base)
        table.add_row(name, what, f"{figure.quantity.normalize():,f}", *(_shown(amount) for amount in amounts))

    for one in found:
        if one.events or every:
            add(one.instrument_id, "as known then", one.as_known)
            for event in one.events:
                version = f" {event.version}" if event.version else ""
                account = f" ({event.account_id})" if event.account_id else ""
                add("", f"{event.learned_on} {event.event_type} {event.event_id}{version}{account}", event.change)
            add("", "as known now", one.as_known_now)
    out.print(table if table.row_count else f"Nothing that was learned since changes {book} on {day}.")


@app.command(name="rebuild")
def rebuild_derivations(
    yes: Annotated[bool, typer.Option("--yes", help="Drop and build without asking.")] = False,
) -> None:
    """Drop every derivation and build it anew from the facts; exit code 1 if a mart is another than before."""
    from posttrade.offices.derivations import closed_dates, rebuild
    from posttrade.records.database import Role, engine
    from posttrade.records.fingerprint import fingerprint
    from posttrade.runtime.postgres import running_server

    _settings(None)
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


@app.command(name="fingerprint")
def print_fingerprint() -> None:
    """Print one hash per table and one over all facts and marts, without load times and run ids."""
    from posttrade.records.database import Role, engine
    from posttrade.records.fingerprint import fingerprint, overall
    from posttrade.runtime.postgres import running_server

    _settings(None)
    with running_server():
        hashes = fingerprint(engine(Role.AUDITOR))
    for name, value in hashes.items():
        print(f"{value}  {name}")
    print(f"{overall(hashes)}  all")


@app.command()
def verify(
    seal: Annotated[str | None, typer.Option(help="The hash of a seal noted at an earlier time; it must still be in the chain.")] = None,
    every_entry: Annotated[bool, typer.Option("--all", help="List every entry that differs, not the first 20 of a seal.")] = False,
) -> None:
    """Work out the seals of the journal anew; exit code 1 and the entries that differ when it is not as it was sealed."""
    from posttrade.records.database import Role, engine
    from posttrade.records.journal_seals import verify_journal
    from posttrade.runtime.postgres import running_server

    _settings(None)
    with running_server(), engine(Role.AUDITOR).connect() as connection:
        verdict = verify_journal(connection, seal)
    for line in verdict.lines(None if every_entry else LISTED_ENTRIES):
        out.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(0 if verdict.is_intact else 1)


@app.command()
def bench(
    trades: Annotated[int, typer.Option(min=1000, help="New trades of the measured day.")] = 100_000,
    lots: Annotated[bool, typer.Option("--lots", help="Time the matching of lots alone, against a plain GROUP BY.")] = False,
) -> None:
    """Time every step of a close and the bare SQL of the same work, on the same data, in one run."""
    if lots:
        from posttrade.bench_lots import run_bench_of_lots

        run_bench_of_lots(trades, out)
        return
    from posttrade.bench import run_bench

    run_bench(trades, out)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run the tests on a throw-away Postgres; further words go to pytest, such as -m year for those that take long."""
    root = get_settings().root
    arguments = [sys.executable, "-m", "pytest", "--numprocesses", "2", "--dist", "loadfile", "--no-loadscope-reorder", *context.args]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTTRADE_")}
    raise typer.Exit(subprocess.run(arguments, cwd=root, env=environment, check=False).returncode)


# ------------------------------------------------------------------ look after it


@exceptions_app.command("list")
def list_rejected(business_date: Annotated[str | None, typer.Option("--date", help="Only those of a business date.")] = None) -> None:
    """List the rows that wait for correction."""
    from posttrade.records.database import Role, engine
    from posttrade.records.exceptions import list_exceptions
    from posttrade.runtime.postgres import running_server

    _settings(None)
    with running_server():
        rows = list_exceptions(engine(Role.LOADER), _date(business_date) if business_date else None)
    for row in rows:
        out.print(
            f"{row['exception_id']}  {row['file_name']}:{row['line_no']}  {row['reason']} {row['remedy']}", markup=False, soft_wrap=True
        )
        out.print(f"    {row['raw']}", markup=False, soft_wrap=True)
    out.print(f"{len(rows)} waiting.")


@exceptions_app.command("replay")
def replay_rejected(
    exception_id: str,
    raw: Annotated[str, typer.Option(help="The corrected line, as the file should have had it.")],
    by: Annotated[str, typer.Option(help="Your name.")],
) -> None:
    """Record a rejected row after correction; it is booked in the open date."""
    from posttrade.records.exceptions import replay_exception

    _with_engine("LOADER", lambda engine, day: replay_exception(exception_id, raw, by, day, engine))
    out.print("Recorded.")


@exceptions_app.command("dismiss")
def dismiss_rejected(
    exception_id: str, by: Annotated[str, typer.Option(help="Your name.")], note: Annotated[str, typer.Option(help="Why.")]
) -> None:
    """Put a rejected row aside for good; it stays on record."""
    from posttrade.records.exceptions import dismiss_exception

    _with_engine("LOADER", lambda engine, day: dismiss_exception(exception_id, by, note, day, engine))
    out.print("Dismissed.")


@alerts_app.command("list")
def list_alerts(business_date: Annotated[str | None, typer.Option("--date", help="Only those of a business date.")] = None) -> None:
    """List the open alerts, the most severe first."""
    from posttrade.controls.alerts import list_open
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    _settings(None)
    with running_server():
        rows = list_open(engine(Role.OPERATOR), _date(business_date) if business_date else None)
    for row in rows:
        row = dict(row) if not hasattr(row, "_mapping") else dict(row._mapping)
        out.print(
            f"{row['alert_id']}  {row['business_date']}  {row['severity']:<8}  {row['message']}  {row['cause_key']}",
            markup=False,
            soft_wrap=True,
        )
    out.print(f"{len(rows)} open.")


@alerts_app.command("acknowledge")
def acknowledge_alert(
    alert_id: str,
    by: Annotated[str, typer.Option(help="Your name.")],
    note: Annotated[str, typer.Option(help="What you do about it.")] = "",
) -> None:
    """Say that you look after an alert; a critical one goes on blocking until its cause is gone."""
    from posttrade.controls.alerts import acknowledge
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    _settings(None)
    with running_server():
        acknowledge(alert_id, by, note, engine(Role.OPERATOR))
    out.print("Acknowledged.")


@payments_app.command("list")
def list_payments() -> None:
    """List the payments that wait for a second person."""
    from posttrade.offices.income import waiting_payments

    rows = _with_engine("OPERATOR", lambda engine, day: waiting_payments(day, engine))
    for row in rows:
        out.print(
            f"{row['payment_id']}  {row['client_id']}  {row['amount']:>14,.2f} {row['currency_code']}  due {row['pay_date']}"
            f"  prepared by {row['maker']}"
        )
    out.print(f"{len(rows)} waiting.")


@payments_app.command("approve")
def approve_payments(
    payment_ids: list[str], by: Annotated[str, typer.Option(help="Your name; never the one who prepared it.")], note: str = ""
) -> None:
    """Approve payments as the second person."""
    _decide(payment_ids, "APPROVED", by, note)


@payments_app.command("reject")
def reject_payments(
    payment_ids: list[str], by: Annotated[str, typer.Option(help="Your name.")], note: Annotated[str, typer.Option(help="Why.")]
) -> None:
    """Reject payments as the second person."""
    _decide(payment_ids, "REJECTED", by, note)


@payments_app.command("release")
def release() -> None:
    """Send the approved payments to the bank; each leaves once."""
    from posttrade.offices.income import release_payments

    counts = _with_engine("OPERATOR", lambda engine, day: release_payments(day, engine))
    out.print(", ".join(f"{name} {count}" for name, count in counts.items()))


def _decide(payment_ids: list[str], decision: str, checker: str, note: str) -> None:
    from posttrade.offices.income import decide_payments

    _with_engine("OPERATOR", lambda engine, day: decide_payments(payment_ids, decision, checker, note, day, engine))
    out.print(f"{len(payment_ids)} {decision.lower()}.")


@periods_app.command("list")
def show_periods() -> None:
    """List the months of the firm: closed by whom, ready to be closed, or open."""
    from posttrade.offices.periods import list_periods
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    _settings(None)
    with running_server():
        periods = list_periods(engine(Role.OPERATOR))
    for one in periods:
        out.print(f"{one.period}  {one.first_date} to {one.last_date}  {one.state}", markup=False, soft_wrap=True)
    if not periods:
        out.print("No business date is closed yet.")


@periods_app.command("close")
def close_month(
    month: Annotated[str, typer.Argument(help="The month, e.g. 2026-01.")], by: Annotated[str, typer.Option(help="Your name.")]
) -> None:
    """Close a month for good: nothing is booked in it any more; corrections go to the open date."""
    from posttrade.offices.periods import close_period
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    _settings(None)
    with running_server():
        close_period(month, by, engine(Role.OPERATOR))
    out.print(f"{month} is closed.")


@trades_app.command("held")
def show_held_trades() -> None:
    """List the trade events that reach beyond the posting cut-off and stay out of the books until somebody decides."""
    from posttrade.records.database import Role, engine
    from posttrade.records.trade_releases import list_held
    from posttrade.runtime.postgres import running_server

    _settings(None)
    with running_server():
        held = list_held(engine(Role.OPERATOR))
    for one in held:
        block = f"; decided on with its block {one['block_trade_id']} {one['block_version']}" if one["block_trade_id"] else ""
        out.print(
            f"{one['trade_id']} {one['version']}  {one['event_type']}, recorded for {one['business_date']}, of a trade dated"
            f" {one['first_trade_date']}: on or before {one['last_date_out_of_reach']}{block}",
            markup=False,
            soft_wrap=True,
        )
    out.print(f"{len(held)} waiting.")


@trades_app.command("blocks")
def show_waiting_blocks() -> None:
    """List the blocks that are not booked as they stand, because their allocations do not add up to them."""
    from posttrade.records.blocks import list_waiting_blocks
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    _settings(None)
    with running_server():
        waiting = list_waiting_blocks(engine(Role.OPERATOR))
    for one in waiting:
        quantity = "unknown" if one["quantity"] is None else f"{one['quantity'].normalize():f}"
        allocated = f"{one['allocated_quantity'].normalize():f}"
        out.print(f"{one['trade_id']}  quantity {quantity}, allocated {allocated}  {one['waits_because']}", markup=False, soft_wrap=True)
    out.print(f"{len(waiting)} waiting.")


@trades_app.command("release")
def release_trade(
    trade_id: Annotated[str, typer.Argument(help="The trade as on record, e.g. CSV~T-1001; a block with all its allocations.")],
    version: Annotated[int, typer.Argument(help="Its version; the ones before it are covered.")],
    by: Annotated[str, typer.Option(help="Your name; never the trader's, nor whoever corrected the row.")],
    reason: Annotated[str, typer.Option(help="Why it may be booked.")],
) -> None:
    """Let a trade event beyond the cut-off into the books; it is booked in the open date, as a prior-day correction."""
    _decide_trade(trade_id, version, "RELEASED", by, reason)


@trades_app.command("refuse")
def refuse_trade(
    trade_id: Annotated[str, typer.Argument(help="The trade as on record, e.g. CSV~T-1001; a block with all its allocations.")],
    version: Annotated[int, typer.Argument(help="Its version.")],
    by: Annotated[str, typer.Option(help="Your name; never the trader's, nor whoever corrected the row.")],
    reason: Annotated[str, typer.Option(help="Why it stays out.")],
) -> None:
    """Keep a trade event beyond the cut-off out of the books; it stays on record."""
    _decide_trade(trade_id, version, "REFUSED", by, reason)


def _decide_trade(trade_id: str, version: int, decision: str, by: str, reason: str) -> None:
    from posttrade.records.trade_releases import decide_on_trade

    _with_engine("OPERATOR", lambda engine, day: decide_on_trade(trade_id, version, decision, by, reason, day, engine))
    out.print(f"{decision.capitalize()}.")


def _with_engine(role_name: str, work: Any) -> Any:
    """Run `work(engine, open business date)` on the running database."""
    from posttrade.offices.business_days import open_date
    from posttrade.records.database import Role, engine
    from posttrade.runtime.postgres import running_server

    _settings(None)
    with running_server():
        day = open_date(engine(Role.OPERATOR))
        if day is None:
            raise PosttradeError("No business date is open yet.", "Close the first day with ./posttrade run.")
        return work(engine(Role[role_name]), day)


def _settings(inbox: Path | None) -> Settings:
    """The settings; an inbox given on the command line counts for every process started from here."""
    settings = get_settings()
    marker = settings.home / "inbox.path"
    if inbox is not None:
        if not inbox.is_dir():
            raise PosttradeError(f"There is no folder {inbox}.", "Give a folder with sub-folders named by date: 2026-01-05.")
        settings.home.mkdir(parents=True, exist_ok=True)
        marker.write_text(str(inbox.resolve()))
    if marker.exists() and "POSTTRADE_INBOX_DIR" not in os.environ:
        os.environ["POSTTRADE_INBOX_DIR"] = marker.read_text().strip()
        get_settings.cache_clear()
    settings = get_settings()
    settings.home.mkdir(parents=True, exist_ok=True)
    with suppress(PermissionError):
        settings.home.chmod(0o711)
    return settings


def _moment(given: str) -> datetime:
    moment: datetime | None = None
    with suppress(ValueError):
        moment = datetime.fromisoformat(given)
    if moment is None or moment.tzinfo is None:
        raise PosttradeError(f"{given!r} is no moment with its offset.", "Write it as 2026-01-06T18:00:00+00:00.")
    return moment


def _date(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise PosttradeError(f"{given!r} is no date.", "Write it as 2026-01-05.") from None
