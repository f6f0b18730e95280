"""Closes days in a fraction of the time: the statements dbt ran for one day are run again for every later one.

The derivations of a date are the same statements every day, for the business date is a setting of the session. What dbt does around
them (reading the project, compiling, looking up relations) costs several times as much as they do on a quiet day. What it sends for a
command depends on the project and on which relations exist; where these are the same, it is sent again without dbt. The processes of
a test run share what they recorded. That both roads lead to the same rows is shown by `test_chain.py` and `test_real_prices.py`.
"""

import fcntl
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg

from posttrade.offices import derivations
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, url
from posttrade.settings import get_settings

RELATIONS = """
select string_agg(nspname || '.' || relname || ' ' || relkind::text, ',' order by nspname, relname)
from pg_class inner join pg_namespace on relnamespace = pg_namespace.oid
where nspname in ('staging', 'intermediate', 'marts') and relkind in ('r', 'v')
"""


# Where the processes of this test run keep what they recorded.
recordings = Path()

# The session in which statements are repeated, by its database.
_sessions: dict[str, psycopg.Connection[Any]] = {}


@contextmanager
def recorded_dbt() -> Iterator[None]:
    """What derivations ask of dbt within the block is run by dbt and recorded for the first of its kind, and repeated for the others."""
    with patch.object(derivations, "run_dbt", _run):
        yield


def end_sessions() -> None:
    """Close the sessions in which statements were repeated."""
    while _sessions:
        _sessions.popitem()[1].close()


def _run(arguments: list[str], business_date: date) -> None:
    address = url(Role.TRANSFORMER).set(drivername="postgresql").render_as_string(hide_password=False)
    with _session(address, business_date) as connection:
        relations = connection.execute(RELATIONS).fetchone()
        connection.rollback()
        state = json.dumps([str(get_settings().root), connection.info.dbname, arguments, relations])
        recording = recordings / f"{hashlib.md5(state.encode(), usedforsecurity=False).hexdigest()}.json"
        # One process records, the others wait for it.
        with recording.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not recording.exists():
                with _noted() as statements:
                    run_dbt(arguments, business_date)
                recording.write_text(json.dumps([one for one in statements if not _is_of_the_session(one)]))
                return
        for statement in json.loads(recording.read_text()):
            connection.execute(statement)


@contextmanager
def _session(address: str, business_date: date) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of the session kept for the database, as derivations sets it.

    A new session would first read from the catalogue what the derivations are, which takes a fifth of the time of a quiet day.
    """
    kept = _sessions.pop(address, None)
    if kept is None or not _is_alive(kept):
        end_sessions()  # those of databases that are gone
        kept = psycopg.connect(address, options="-c jit=off -c work_mem=64MB")
    kept.execute("select set_config('posttrade.business_date', %s, false)", [business_date.isoformat()])
    kept.commit()
    try:
        yield kept
    except BaseException:
        kept.close()
        raise
    kept.commit()
    _sessions[address] = kept


def _is_alive(connection: psycopg.Connection[Any]) -> bool:
    """Whether its database has not been dropped, and made anew under the same name."""
    try:
        connection.execute("select")
    except psycopg.OperationalError:
        connection.close()
        return False
    return True


@contextmanager
def _noted() -> Iterator[list[str]]:
    """The statements dbt sends, in their order; its threads depend on one another as its models do."""
    from dbt.adapters.sql.connections import SQLConnectionManager  # costs seconds, and most tests need none of it

    noted: list[str] = []
    send = SQLConnectionManager.add_query

    def note_and_send(manager: SQLConnectionManager, sql: str, *arguments: object, **options: object) -> object:
        result = send(manager, sql, *arguments, **options)  # type: ignore[arg-type]
        noted.append(sql)
        return result

    with patch.object(SQLConnectionManager, "add_query", note_and_send):
        yield noted


def _is_of_the_session(statement: str) -> bool:
    """Transactions, and what dbt only looks up."""
    words = statement.split("*/", 1)[-1].split()
    return not words or words[0].lower().rstrip(";") in ("begin", "commit", "rollback", "select")
