"""Times a close, step by step, and the bare SQL of the same work on the same data, in one run."""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import psycopg
from rich.console import Console

from posttrade.records.database import Role, administrator_url, dispose_engines, engine, psycopg_connection
from posttrade.settings import get_settings

FIRST_DATE = date(2026, 1, 5)


def run_bench(trades: int, out: Console) -> None:
    """Close one simulated day of `trades` trades on a throw-away server and print seconds per step, the floor and the ratio.

    Args:
        trades: new trades of the day.
        out: where to print.
    """
    with throw_away_server():
        _measure(trades, out)


@contextmanager
def throw_away_server() -> Iterator[None]:
    """A server and a home of its own, gone afterwards."""
    from posttrade.runtime import postgres

    with tempfile.TemporaryDirectory(prefix="posttrade-bench-") as home:
        before = os.environ.get("POSTTRADE_HOME")
        os.environ["POSTTRADE_HOME"] = home
        get_settings.cache_clear()
        try:
            with postgres.running_server():
                yield
            postgres.destroy()
        finally:
            dispose_engines()
            if before is None:
                del os.environ["POSTTRADE_HOME"]
            else:
                os.environ["POSTTRADE_HOME"] = before
            get_settings.cache_clear()


def _measure(trades: int, out: Console) -> None:
    from posttrade.airflow.steps import CLOSING_STEPS, calls_of
    from posttrade.records.migrate import migrate
    from posttrade.simulator.answers import answer
    from posttrade.simulator.world import write_world

    migrate()
    settings = get_settings()
    (day,) = write_world(settings.inbox, days=1, trades=trades, seed=7, first_date=FIRST_DATE)
    answer(settings.inbox, settings.outbox, day)
    out.print(f"One day of {trades:,} trades, seconds")
    # What a process pays once, whatever the day brings, is not part of the day's work.
    _timed("imports", _import_heavy_libraries, out)
    close = 0.0
    for task_id in CLOSING_STEPS:
        close += _timed(task_id, lambda task_id=task_id: [call(day, engine(role)) for call, role in calls_of(task_id)], out)  # type: ignore[misc]
    out.print(f"{'close':<28}{close:9.2f}\n")
    floor = _floor(day, out)
    out.print(f"{'floor':<28}{floor:9.2f}\n")
    out.print(f"close / floor = {close / floor:.1f}")


def _timed(name: str, work: Callable[[], object], out: Console) -> float:
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    out.print(f"{name:<28}{seconds:9.2f}")
    return seconds


def _import_heavy_libraries() -> None:
    import importlib

    for name in ("great_expectations", "dbt.cli.main", "QuantLib", "exchange_calendars"):
        importlib.import_module(name)


def _floor(day: date, out: Console) -> float:
    """The least a database must do for the day: load the trades, type them, post four lines each and prove that they balance,
    add up positions, compare them with a statement. Hand-written SQL on tables without provenance or history."""
    rows = _copy_text(day)
    seconds = 0.0
    address = administrator_url()
    with psycopg.connect(
        host=address.host, port=address.port, user=address.username, password=address.password, dbname=address.database
    ) as connection:
        connection.execute("create schema bare; set search_path = bare")
        connection.execute("create table raw (line text[])")
        connection.execute("create table statement (account_id text, instrument_id text, quantity numeric)")
        connection.commit()

        def copy() -> None:
            with connection.cursor().copy("copy raw from stdin") as target:
                target.write(rows)
            connection.commit()

        seconds += _timed("  copy", copy, out)
        for name, statements in FLOOR:
            seconds += _timed(f"  {name}", lambda statements=statements: _execute(connection, statements), out)  # type: ignore[misc]
    return seconds


def _execute(connection: psycopg.Connection, statements: str) -> None:
    connection.execute(statements)
    connection.commit()


def _copy_text(day: date) -> str:
    """The trades of the day as on record, as text to COPY."""
    with psycopg_connection(Role.LOADER) as connection:
        found = connection.execute(
            "select array[trade_id || ':' || version, book_id, account_id, instrument_id, trade_date::text, quantity::text,"
            " price::text, fee_amount::text,"
            " currency_code]::text from books.trade_versions where business_date = %s and quantity is not null",
            (day,),
        )
        return "".join(f"{line.replace(chr(92), chr(92) * 2)}\n" for (line,) in found)


FLOOR = (
    (
        "typed trades",
        """
        create table trades as
        select line[1] as trade_id, line[2] as book_id, line[3] as account_id, line[4] as instrument_id, line[5]::date as trade_date,
            line[6]::numeric(28, 10) as quantity, line[7]::numeric(28, 10) as price, line[8]::numeric(24, 4) as fee_amount,
            line[9] as currency_code
        from raw;
        alter table trades add primary key (trade_id);
        """,
    ),
    (
        "journal",
        """
        create table journal as
        select trades.trade_id, lines.gl_account, trades.currency_code, round(lines.amount, 2) as amount
        from trades cross join lateral (values
            ('securities', quantity * price), ('trade_settlement', -quantity * price),
            ('fee_expense', fee_amount), ('trade_settlement', -fee_amount)
        ) as lines (gl_account, amount);
        do $$ begin
            if exists (select from journal group by trade_id, currency_code having sum(amount) <> 0) then
                raise exception 'the journal does not balance';
            end if;
        end $$;
        """,
    ),
    (
        "positions",
        """
        create table positions as
        select book_id, account_id, instrument_id, sum(quantity) as quantity, sum(quantity * price) as cost
        from trades group by book_id, account_id, instrument_id;
        """,
    ),
    (
        "reconciliation",
        """
        insert into statement select account_id, instrument_id, sum(quantity) from positions group by account_id, instrument_id;
        create table breaks as
        select account_id, instrument_id, ours.quantity, statement.quantity as their_quantity
        from (select account_id, instrument_id, sum(quantity) as quantity from positions group by account_id, instrument_id) as ours
        full outer join statement using (account_id, instrument_id)
        where ours.quantity is distinct from statement.quantity;
        """,
    ),
)
