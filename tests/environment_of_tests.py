"""Points this process to another database and home."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from posttrade.records.database import dispose_engines
from posttrade.settings import get_settings


def set_environment(**values: str) -> None:
    """Set POSTTRADE_ variables and let the settings be read again."""
    dispose_engines()
    os.environ.update({f"POSTTRADE_{name.upper()}": value for name, value in values.items()})
    get_settings.cache_clear()


@contextmanager
def new_database(server: str, home: Path) -> Iterator[str]:
    """A new migrated database and a new home on the throw-away server; gives the administrator's URL of the database."""
    name = "fresh"  # always the same: dbt's picture of the project names the database
    with psycopg.connect(dsn(server, "postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name} template template strategy file_copy")
    address = server.rsplit("/", 1)[0] + f"/{name}"
    before = dict(os.environ)
    set_environment(home=str(home), database_url=address)
    try:
        yield address
    finally:
        dispose_engines()
        os.environ.clear()
        os.environ.update(before)
        get_settings.cache_clear()
        with psycopg.connect(dsn(server, "postgres"), autocommit=True) as connection:
            connection.execute(f"drop database {name} with (force)")


def dsn(server: str, database: str) -> str:
    """Another database of the server, as psycopg names it."""
    return server.replace("postgresql+psycopg://", "postgresql://").rsplit("/", 1)[0] + f"/{database}"
