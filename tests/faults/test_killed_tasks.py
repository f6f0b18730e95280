"""A task killed with SIGKILL in the middle of its work, run again, leaves the books as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date

import psycopg
import pytest
from integration.conftest import STEPS, close_day
from integration.recorded_dbt import recorded_dbt
from sqlalchemy import text

from posttrade.offices import income
from posttrade.records.database import Role, administrator_url, dispose_engines, engine
from posttrade.records.fingerprint import fingerprint
from posttrade.settings import get_settings
from posttrade.simulator.answers import answer
from posttrade.simulator.world import write_world

TASK = """
from datetime import date
from importlib import import_module
from posttrade.records.database import Role, engine
module, name = "{function}".rsplit(".", 1)
getattr(import_module("posttrade.offices." + module), name)(date.fromisoformat("{day}"), engine(Role.{role}))
"""


def administrator(database: str = "") -> psycopg.Connection:
    url = administrator_url()
    return psycopg.connect(
        host=url.host, port=url.port, user=url.username, password=url.password, dbname=database or url.database, autocommit=True
    )  # fmt: skip


@contextmanager
def slow_insert(table: str) -> Iterator[None]:
    """Let every insert into a table wait half a minute, so that there is time to kill its task."""
    schema, name = table.split(".")
    with administrator() as connection:
        connection.execute(
            "create function public.wait() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return null; end $$"
        )
        connection.execute(f"create trigger wait after insert on {schema}.{name} for each statement execute function public.wait()")
    try:
        yield
    finally:
        with administrator() as connection:
            connection.execute(f"drop trigger wait on {schema}.{name}")
            connection.execute("drop function public.wait()")


def kill_while_inserting(function: str, role: Role, day: date, table: str) -> None:
    """Start an office function in a process of its own and kill it while it writes to the table."""
    with slow_insert(table):
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", TASK.format(function=function, day=day, role=role.name)],
            env={**os.environ, "PYTHONPATH": str(get_settings().root / "plugins")},
        )
        deadline = time.monotonic() + 30
        with administrator() as connection:
            while not connection.execute(
                "select 1 from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
            ).fetchone():
                assert process.poll() is None, f"{function} ended before it wrote to {table}"
                assert time.monotonic() < deadline, f"{function} never wrote to {table}"
                time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
            process.wait()
            # The server notices a dead client when it next speaks to it: end the sleep instead of waiting for it.
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
            )
    assert process.returncode == -signal.SIGKILL


@contextmanager
def twin(name: str) -> Iterator[None]:
    """Work on a copy of the database as it stands now."""
    original = os.environ["POSTTRADE_DATABASE_URL"]
    database = administrator_url().database
    dispose_engines()
    with administrator("postgres") as connection:
        connection.execute(f"create database {name} template {database}")
    os.environ["POSTTRADE_DATABASE_URL"] = original.rsplit("/", 1)[0] + f"/{name}"
    get_settings.cache_clear()
    try:
        yield
    finally:
        dispose_engines()
        os.environ["POSTTRADE_DATABASE_URL"] = original
        get_settings.cache_clear()
        with administrator("postgres") as connection:
            connection.execute(f"drop database {name} with (force)")


@pytest.mark.parametrize(
    ("function", "role", "table"),
    [
        ("front_office.record_trades", Role.LOADER, "books.trade_versions"),
        ("accounting.post_journal", Role.POSTER, "ledger.journal_lines"),
        ("settlement.deliver_outbox", Role.OPERATOR, "operations.outbox_deliveries"),
    ],
)
def test_a_day_with_a_killed_task_ends_like_its_undisturbed_twin(
    fresh_database: str,  # noqa: ARG001 - the database must be there
    function: str,
    role: Role,
    table: str,
) -> None:
    settings = get_settings()
    (day,) = write_world(settings.inbox, days=1, trades=120, seed=5)
    answer(settings.inbox, settings.outbox, day)
    with twin(f"twin_{os.getpid()}"):
        close_day(day)
        expected = fingerprint(engine(Role.AUDITOR))
    assert expected["ledger.journal_lines"] != fingerprint(engine(Role.AUDITOR))["ledger.journal_lines"]

    was_killed = False
    for step, step_role in STEPS:
        name = f"{step.__module__.rsplit('.', 1)[1]}.{step.__name__}"
        if name == function:
            kill_while_inserting(function, role, day, table)
            was_killed = True
        with recorded_dbt():
            step(day, engine(step_role))
    assert was_killed
    assert fingerprint(engine(Role.AUDITOR)) == expected


def test_a_payment_whose_release_was_killed_leaves_once(fresh_database: str) -> None:  # noqa: ARG001
    day = date(2026, 1, 5)
    with administrator() as connection:
        connection.execute(
            "insert into operations.payments (payment_id, entitlement_id, client_id, account_id, book_id, instrument_id, gross_amount,"
            " withholding_amount, amount, currency_code, creditor_name, creditor_iban, creditor_bic, cash_account_id, pay_date, maker,"
            " business_date) values ('PY1', 'E', 'C', 'A', 'B', 'I', 100, 25, 75, 'EUR', 'Invented Client', 'DE89370400440532013000',"
            " 'EXBKDEFF', 'CASH', '2026-01-05', 'posttrade/income', '2026-01-05')"
        )
    income.decide_payments(["PY1"], "APPROVED", "a colleague", "", day, engine(Role.OPERATOR))

    def state() -> tuple[object, ...]:
        with engine(Role.AUDITOR).connect() as connection:
            row = connection.execute(
                text(
                    "select (select count(*) from operations.payment_releases), (select count(*) from operations.outbox),"
                    " (select count(*) from operations.outbox_deliveries)"
                )
            ).one()
        files = sorted(path.name for path in (get_settings().outbox / "payments").glob("*")) if get_settings().outbox.exists() else []
        return (*row, files)

    release: Callable[[], dict[str, int]] = lambda: income.release_payments(day, engine(Role.OPERATOR))  # noqa: E731
    kill_while_inserting("income.release_payments", Role.OPERATOR, day, "operations.payment_releases")
    assert state() == (0, 0, 0, [])
    # Killed once more, after the file was written and before the delivery was recorded.
    kill_while_inserting("income.release_payments", Role.OPERATOR, day, "operations.outbox_deliveries")
    assert state() == (1, 1, 0, ["payments_2026-01-05_1.csv"])
    assert release() == {"released": 0, "messages": 1, "blocked": 0, "held": 0}
    assert release() == {"released": 0, "messages": 0, "blocked": 0, "held": 0}
    assert state() == (1, 1, 1, ["payments_2026-01-05_1.csv"])
