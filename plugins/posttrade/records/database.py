"""Connections to the firm's Postgres: one login per role, each with the least it needs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from functools import lru_cache
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import URL, make_url, text

from posttrade.errors import PosttradeError
from posttrade.secrets import secret
from posttrade.settings import Settings, get_settings


class Role(StrEnum):
    """The logins. `OWNER` owns the facts' tables and has no login: only migrations act as it."""

    OWNER = "posttrade_owner"
    LOADER = "posttrade_loader"
    TRANSFORMER = "posttrade_transformer"
    POSTER = "posttrade_poster"
    OPERATOR = "posttrade_operator"
    ANALYST = "posttrade_analyst"
    AUDITOR = "posttrade_auditor"
    AIRFLOW = "posttrade_airflow"


ADMINISTRATOR = "postgres"


def embedded_port(settings: Settings) -> int:
    """The port of the embedded server, as its own pid file states it.

    Raises:
        PosttradeError: the server does not run.
    """
    pid_file = settings.postgres_directory / "data" / "postmaster.pid"
    try:
        return int(pid_file.read_text().splitlines()[3])
    except (FileNotFoundError, IndexError, ValueError) as error:
        raise PosttradeError(
            "The database does not run.", "Start it with `./posttrade up`, or run the day with `./posttrade run`."
        ) from error


def administrator_url(settings: Settings | None = None) -> URL:
    """The URL with the rights to create roles and databases."""
    settings = settings or get_settings()
    if settings.database_url:
        url = make_url(settings.database_url)
        if url.get_backend_name() not in ("postgresql", "postgres"):
            raise PosttradeError(
                f"POSTTRADE_DATABASE_URL names the database {url.get_backend_name()!r}.",
                "Give a Postgres 16 or newer: postgresql://user:password@host:port/database.",
            )
        return url.set(drivername="postgresql+psycopg", database=url.database or "posttrade")
    if settings.database_host:
        return URL.create(
            "postgresql+psycopg", username=ADMINISTRATOR, password=_mounted_password(settings), host=settings.database_host,
            port=5432, database="posttrade",
        )  # fmt: skip
    return URL.create(
        "postgresql+psycopg",
        username=ADMINISTRATOR,
        password=secret(ADMINISTRATOR),
        host="127.0.0.1",
        port=embedded_port(settings),
        database="posttrade",
    )


def _mounted_password(settings: Settings) -> str:
    path = settings.database_password_file
    if path is None or not path.exists():
        raise PosttradeError(
            f"The password file {path} is not there.", "Name it in POSTTRADE_DATABASE_PASSWORD_FILE, or give POSTTRADE_DATABASE_URL."
        )
    return path.read_text(encoding="utf-8").strip()


def url(role: Role) -> URL:
    """The URL of a role: its own login on the firm's database, or on Airflow's for `Role.AIRFLOW`."""
    base = administrator_url()
    database = base.database if role is not Role.AIRFLOW else f"{base.database}_airflow"
    return base.set(username=role.value, password=secret(role.value), database=database)


_open_engines: list[sqlalchemy.Engine] = []


@lru_cache(maxsize=32)
def _engine(address: URL) -> sqlalchemy.Engine:
    made = sqlalchemy.create_engine(address, pool_pre_ping=True, pool_size=2, connect_args={"connect_timeout": 10})
    _open_engines.append(made)
    return made


def engine(role: Role) -> sqlalchemy.Engine:
    """A pooled SQLAlchemy engine for a role (driver psycopg 3)."""
    return _engine(url(role))


def dispose_engines() -> None:
    """Close every pooled connection of this process; before a server stops or a database is dropped."""
    while _open_engines:
        _open_engines.pop().dispose()
    _engine.cache_clear()


def insert_missing(connection: sqlalchemy.Connection, target: str, types: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> int:
    """Insert the rows whose key is not there yet.

    Args:
        connection: the transaction.
        target: the table and its columns.
        types: of the columns, as Postgres names them.
        rows: a value for each column.

    Returns:
        How many were inserted.
    """
    if not rows:
        return 0
    arrays = ", ".join(f"cast(:c{number} as {kind}[])" for number, kind in enumerate(types))
    values = {f"c{number}": list(column) for number, column in enumerate(zip(*rows, strict=True))}
    return connection.execute(text(f"insert into {target} select * from unnest({arrays}) on conflict do nothing"), values).rowcount


@contextmanager
def psycopg_connection(role: Role) -> Iterator[psycopg.Connection]:
    """A plain psycopg 3 connection, committed at the end of the block, for COPY and streaming.

    Raises:
        PosttradeError: the server cannot be reached.
    """
    address = url(role)
    try:
        connection = psycopg.connect(
            host=address.host,
            port=address.port,
            user=address.username,
            password=address.password,
            dbname=address.database,
            connect_timeout=10,
        )
    except psycopg.OperationalError as error:
        raise unreachable(address) from error
    with connection:
        yield connection


def unreachable(address: URL) -> PosttradeError:
    """The error to show when a server does not answer."""
    return PosttradeError(
        f"The database at {address.host}:{address.port} does not answer.",
        "Check that it runs and that POSTTRADE_DATABASE_URL is right (`./posttrade status`).",
    )
