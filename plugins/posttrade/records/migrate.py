"""Brings a database to the schema of this version: database, roles, tables, grants. Safe to run at any time."""

from pathlib import Path

import sqlalchemy
from alembic import command
from alembic.config import Config
from sqlalchemy import URL, text
from sqlalchemy.exc import OperationalError

from posttrade.errors import PosttradeError
from posttrade.records.database import Role, administrator_url, unreachable
from posttrade.records.roles import create_roles, grant_all

OLDEST_SERVER = 160000
MIGRATION_LOCK = 7_405_001


def migrate() -> None:
    """Create what is missing and upgrade what is old.

    Raises:
        PosttradeError: the server does not answer, or is older than Postgres 16.
    """
    target = administrator_url()
    for database in (target.database, f"{target.database}_airflow"):
        _create_database(target, str(database))
    engine = sqlalchemy.create_engine(target)
    try:
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            create_roles(connection)
            connection.execute(text(f"grant create, usage on schema public to {Role.OWNER}"))
            connection.execute(text(f"grant create on database {_quoted(connection, target.database)} to {Role.OWNER}"))
            connection.execute(text(f"set local role {Role.OWNER}"))
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.execute(text("reset role"))
            grant_all(connection)
            connection.execute(text(f"grant all on database {_quoted(connection, f'{target.database}_airflow')} to {Role.AIRFLOW}"))
            owned = f"alter database {_quoted(connection, f'{target.database}_airflow')} owner to {Role.AIRFLOW}"
            connection.execute(text(owned))
    finally:
        engine.dispose()


def _quoted(connection: sqlalchemy.Connection, name: str | None) -> str:
    return str(connection.scalar(text("select quote_ident(:name)"), {"name": name}))


def _create_database(target: URL, name: str) -> None:
    engine = sqlalchemy.create_engine(target.set(database="postgres"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            version = int(str(connection.scalar(text("show server_version_num"))))
            if version < OLDEST_SERVER:
                raise PosttradeError(f"The server is Postgres {version // 10000}; posttrade needs 16 or newer.", "Upgrade the server.")
            known = connection.scalar(text("select 1 from pg_database where datname = :name"), {"name": name})
            if not known:
                connection.execute(text(f"create database {_quoted(connection, name)}"))
    except OperationalError as error:
        raise unreachable(target) from error
    finally:
        engine.dispose()
