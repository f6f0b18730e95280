"""The real Airflow on free ports: a close is asked for over the REST API, its success awaited, everything stopped."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psutil
import psycopg
import pytest
from environment_of_tests import dsn
from sqlalchemy import text

from posttrade.errors import PosttradeError
from posttrade.records.database import Role, engine
from posttrade.runtime import airflow_services
from posttrade.runtime.airflow_services import Access
from posttrade.settings import get_settings
from posttrade.simulator.world import write_world

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
CLOSE_SECONDS = 600  # a minute or two on an idle machine; here other tests run beside it


class Api:
    """A person at the REST API."""

    def __init__(self, address: str, username: str, password: str) -> None:
        self._address = address
        self._token = ""
        self._token = self.call("POST", "/auth/token", {"username": username, "password": password})["access_token"]

    def call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """One request; answers with what the server says."""
        request = urllib.request.Request(
            self._address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Accept": "application/json",
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._token}",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def await_end(self, run: str) -> str:
        """The state in which a run ends."""
        deadline = time.monotonic() + CLOSE_SECONDS
        while (state := self.call("GET", run)["state"]) not in ("success", "failed"):
            assert time.monotonic() < deadline, f"{run} is still {state}"
            time.sleep(1)
        return str(state)

    def errors(self, run: str, task: dict[str, Any]) -> list[str]:
        """What the log of a task's last try says went wrong."""
        log = self.call("GET", f"{run}/taskInstances/{task['task_id']}/logs/{task['try_number']}")["content"]
        return [f"{task['task_id']}: {line['event']}" for line in log if line.get("level") == "error"]


@pytest.fixture
def airflow(fresh_database: str) -> Iterator[Access]:
    settings = get_settings()
    metadata = f"{fresh_database.rsplit('/', 1)[1]}_airflow"
    with psycopg.connect(dsn(fresh_database, "postgres"), autocommit=True) as connection:
        connection.execute(f"create database {metadata} owner posttrade_airflow")
        try:
            yield airflow_services.up(settings, _free_port())
        finally:
            airflow_services.down(settings)
            connection.execute(f"drop database {metadata} with (force)")


def test_a_close_asked_for_over_the_api_succeeds_and_nothing_is_left_running(airflow: Access) -> None:
    settings = get_settings()
    (first_day,) = write_world(settings.inbox, days=1, trades=50, seed=7)
    services = [psutil.Process(pid) for pid in airflow_services.status(settings).values() if pid is not None]
    assert len(services) == 4
    assert _addresses_listened_on(services) == {"127.0.0.1"}

    api = Api(airflow.address, airflow.username, airflow.password)
    asked = api.call("POST", "/api/v2/dags/close_business_day/dagRuns", {"logical_date": f"{first_day}T00:00:00Z"})
    run = f"/api/v2/dags/close_business_day/dagRuns/{asked['dag_run_id']}"
    state = api.await_end(run)
    tasks = api.call("GET", f"{run}/taskInstances")["task_instances"]
    failed = [task for task in tasks if task["state"] == "failed"]
    assert state == "success", "\n".join(reason for task in failed for reason in api.errors(run, task))
    assert len(tasks) == 18

    with engine(Role.OPERATOR).connect() as connection:
        assert connection.scalars(text("select business_date from operations.day_closings")).all() == [first_day]
    events = api.call("GET", "/api/v2/assets/events")["asset_events"]
    assert [event["extra"]["business_date"] for event in events] == [first_day.isoformat()]

    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{airflow.address}/api/v2/dags", timeout=30)

    assert sorted(airflow_services.down(settings)) == ["api-server", "dag-processor", "scheduler", "triggerer"]
    assert not any(process.is_running() for process in services)
    assert set(airflow_services.status(settings).values()) == {None}


@pytest.mark.usefixtures("fresh_database")
def test_a_busy_port_is_said_in_one_sentence_and_nothing_is_started() -> None:
    settings = get_settings()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PosttradeError, match=f"Port {port} is already in use"):
            airflow_services.up(settings, port)
    assert set(airflow_services.status(settings).values()) == {None}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _addresses_listened_on(processes: list[psutil.Process]) -> set[str]:
    addresses = set()
    for member in [member for process in processes for member in (process, *process.children(recursive=True))]:
        # a task's process may end while it is looked at
        with suppress(psutil.NoSuchProcess):
            addresses |= {one.laddr.ip for one in member.net_connections("tcp") if one.status == psutil.CONN_LISTEN}
    return addresses
