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


@contextmanager
def recorded_dbt() -> Iterator[None]:
    """What derivations ask of dbt within the block is run by dbt and recorded for the first of its kind, and repeated for the others."""
    with patch.object(derivations, "run_dbt", _run):
        yield


def _run(arguments: list[str], business_date: date) -> None:
    address = url(Role.TRANSFORMER).set(drivername="postgresql")
    # as derivations sets them
    options = f"-c posttrade.business_date={business_date} -c jit=off -c work_mem=64MB"
    with psycopg.connect(address.render_as_string(hide_password=False), options=options) as connection:
        relations = connection.execute(RELATIONS).fetchone()
        connection.rollback()
        state = json.dumps([str(get_settings().root), address.database, arguments, relations])
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
