"""Throw-away Postgres for every test process; each test that asks gets its own migrated database."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import psycopg
import pytest
from environment_of_tests import dsn, new_database, set_environment
from integration import recorded_dbt

from posttrade.records.database import administrator_url, dispose_engines
from posttrade.records.migrate import migrate
from posttrade.runtime import postgres

# Nothing of it has to survive a power cut; most of the time to make a database would go into waiting for the disk.
THROWN_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SHARED_CASES = Path(__file__).resolve().parents[2] / "shared" / "cases"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--firm-seed", type=int, help="the random firm to close, instead of a new one")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test knows, once it is over, whether it has passed."""
    report = yield
    if report.when == "call":
        item.has_passed = report.passed
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first, so that at the end no process waits for one of them."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The administrator's URL of a throw-away server that holds a migrated database `template`."""
    own = tmp_path_factory.getbasetemp()
    # the folders of all workers of a test run lie side by side
    recorded_dbt.recordings = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    home = Path(tempfile.mkdtemp(prefix="posttrade-test-"))
    set_environment(home=str(home), secrets_path=str(home / "secrets.json"))
    try:
        with patch.dict(postgres.SERVER_OPTIONS, THROWN_AWAY), postgres.running_server():
            server = administrator_url().render_as_string(hide_password=False)
            set_environment(database_url=server.rsplit("/", 1)[0] + "/template")
            migrate()
            dispose_engines()
            yield server
            recorded_dbt.end_sessions()
            os.environ.pop("POSTTRADE_DATABASE_URL", None)
            set_environment(home=str(home))
        postgres.destroy()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def migrated_database(database_server: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection to an empty migrated database, to call its functions."""
    with psycopg.connect(dsn(database_server, "postgres"), autocommit=True) as connection:
        connection.execute("create database functions template template strategy file_copy")
    with psycopg.connect(dsn(database_server, "functions"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def fresh_database(database_server: str, tmp_path: Path) -> Iterator[str]:
    """A new migrated database and a new home; gives the administrator's URL of the database."""
    with new_database(database_server, tmp_path / "home") as address:
        yield address


@pytest.fixture
def shared_cases() -> Path:
    """Messages and values from outside; the test is skipped where they are absent."""
    if not SHARED_CASES.is_dir():
        pytest.skip("the folder of outside cases is not here")
    return SHARED_CASES
