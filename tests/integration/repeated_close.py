"""Closes many days in a fraction of the time: the statements that dbt ran for one day are run again for the next.

The derivations of a date are the same statements every day, for the business date is a setting of the session. What dbt does around
them (reading the project, compiling, looking up relations) costs several times as much as they do on a quiet day. All other steps are the
office functions themselves.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from unittest.mock import patch

import psycopg
from dbt.adapters.sql.connections import SQLConnectionManager
from integration.conftest import STEPS

from posttrade.offices import derivations
from posttrade.records.database import Role, engine, url

DERIVED_BY_DBT = (derivations.build_middle_office, derivations.build_back_office)


class RepeatedClose:
    """Records a close by dbt, once every table has been created by the closes before it, and repeats it for later days."""

    def __init__(self) -> None:
        self.statements: dict[str, list[str]] = {}

    def record(self, day: date) -> dict[str, dict[str, int]]:
        """Close a day by dbt and remember what it ran; gives the counts of every step."""
        counts = {}
        for step, role in STEPS:
            if step in DERIVED_BY_DBT:
                with _noted() as statements:
                    counts[step.__name__] = step(day, engine(role))
                self.statements[step.__name__] = [one for one in statements if not _is_of_the_session(one)]
            else:
                counts[step.__name__] = step(day, engine(role))
        return counts

    def close(self, day: date) -> dict[str, dict[str, int]]:
        """Close a day by the statements of the one recorded; gives the counts of the other steps."""
        counts = {}
        for step, role in STEPS:
            if step in DERIVED_BY_DBT:
                self._run(self.statements[step.__name__], day)
            else:
                counts[step.__name__] = step(day, engine(role))
        return counts

    @staticmethod
    def _run(statements: list[str], day: date) -> None:
        address = url(Role.TRANSFORMER).set(drivername="postgresql").render_as_string(hide_password=False)
        # as derivations sets them
        options = f"-c posttrade.business_date={day} -c jit=off -c work_mem=64MB"
        with psycopg.connect(address, options=options) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]


@contextmanager
def _noted() -> Iterator[list[str]]:
    """The statements dbt sends, in their order; its threads depend on one another as its models do."""
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
