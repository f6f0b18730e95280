"""Looks trades up on record."""

from collections.abc import Callable

import sqlalchemy
from sqlalchemy import text


def find_execution(engine: sqlalchemy.Engine) -> Callable[[str], tuple[str, int] | None]:
    """A look-up from a FIX execution on record to the root execution of its trade and its version."""

    def find(execution_id: str) -> tuple[str, int] | None:
        with engine.connect() as connection:
            row = connection.execute(
                text(
                    "select substr(trade_id, 5), version from books.trade_versions"
                    " where source_system = 'FIX' and execution_id = :execution_id order by version desc limit 1"
                ),
                {"execution_id": execution_id},
            ).first()
        return (row[0], row[1]) if row else None

    return find
