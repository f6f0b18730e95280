"""Airflow's four services as child processes of this machine: prepare, start, look, stop."""

import fcntl
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]
import psycopg

from posttrade.airflow.metadata import USERS, password_of
from posttrade.errors import PosttradeError
from posttrade.records.database import Role, psycopg_connection
from posttrade.runtime.environment import LOOPBACK, airflow_environment
from posttrade.settings import Settings

SERVICES: dict[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
_children: list[subprocess.Popen[bytes]] = []
"""Kept so that a command that starts and stops services itself also buries them."""

START_SECONDS = 150
STOP_SECONDS = 20


@dataclass(frozen=True)
class Access:
    """Where Airflow answers, its administrator's login, and the other logins made at the start: password by user."""

    address: str
    username: str
    password: str = field(repr=False)
    others: dict[str, str] = field(repr=False)


def prepare(settings: Settings) -> None:
    """Bring Airflow's database up to date, create the first users, register the DAGs; quick when nothing changed.

    Raises:
        PosttradeError: Airflow could not be prepared; the message names its log.
    """
    marker = settings.airflow_home / "prepared.json"
    with _only_one(settings):
        wanted = _fingerprint(settings)
        if marker.exists() and json.loads(marker.read_text()) == wanted and _is_migrated():
            return
        log = _logs(settings) / "prepare.log"
        with log.open("a") as output:
            outcome = subprocess.run(
                [sys.executable, "-m", "posttrade.airflow.metadata"],
                env=_environment(settings, None),
                cwd=settings.root,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
        if outcome.returncode != 0:
            raise PosttradeError("Airflow's database could not be prepared.", f"Its log is {log}.")
        marker.write_text(json.dumps(wanted))


def up(settings: Settings, port: int) -> Access:
    """Start the services and wait until each of them reports that it is healthy. Does nothing when they run.

    The database must run and stay up; whatever was started is stopped again if one service does not come up.

    Raises:
        PosttradeError: the port is taken, or a service ended or was not healthy in time; the message names its log.
    """
    if not any(_processes(settings).values()):
        _refuse_busy(port)  # said before the time it takes to prepare
    prepare(settings)
    with _only_one(settings):
        running = {name: process for name, process in _processes(settings).items() if process is not None}
        if len(running) == len(SERVICES):
            return access(settings)
        if running:
            _stop(settings)
        _refuse_busy(port)
        try:
            for name in SERVICES:
                _start(settings, name, port)
            (settings.airflow_home / "port").write_text(str(port))
            _await_health(settings, port)
        except BaseException:  # Ctrl-C as well: nothing may be left running
            _stop(settings)
            raise
    return access(settings)


def down(settings: Settings) -> list[str]:
    """Stop the services that `up` started, tasks included; gives the names of those that ran."""
    with _only_one(settings):
        return _stop(settings)


def status(settings: Settings) -> dict[str, int | None]:
    """The process id of every service, empty for one that does not run."""
    return {name: process.pid if process else None for name, process in _processes(settings).items()}


def access(settings: Settings) -> Access:
    """The address of the running Airflow and the logins made at the start; payments are decided by `checker`."""
    port_file = settings.airflow_home / "port"
    port = port_file.read_text().strip() if port_file.exists() else str(settings.web_port)
    (username, password), *others = ((user, password_of(user)) for user in USERS)
    return Access(f"http://{LOOPBACK}:{port}", username, password, dict(others))


def run_command(settings: Settings, arguments: list[str]) -> int:
    """Run one `airflow` command in the environment of the installation and give its exit code.

    Args:
        arguments: what follows `airflow`, e.g. `["dags", "list"]`.
    """
    port_file = settings.airflow_home / "port"
    port = int(port_file.read_text()) if port_file.exists() else None
    return subprocess.run([sys.executable, "-m", "airflow", *arguments], env=_environment(settings, port), check=False).returncode


def _environment(settings: Settings, port: int | None) -> dict[str, str]:
    inherited = os.environ.get("PYTHONPATH")
    search_path = os.pathsep.join(filter(None, (str(settings.root / "plugins"), inherited)))
    return {**os.environ, **airflow_environment(settings, port), "PYTHONPATH": search_path, "PYTHONUNBUFFERED": "1"}


def _logs(settings: Settings) -> Path:
    logs = settings.airflow_home / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    return logs


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Two commands at once must not both start or stop the services."""
    settings.airflow_home.mkdir(parents=True, exist_ok=True)
    with (settings.airflow_home / "services.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fingerprint(settings: Settings) -> dict[str, str]:
    """What a prepared state depends on: the version of Airflow, the database, the DAG files and what they import."""
    from importlib.metadata import version

    digest = hashlib.sha256()
    for folder in (settings.root / "dags", settings.root / "plugins" / "posttrade" / "airflow"):
        for file in sorted(folder.glob("*.py")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    packages = {name: version(name) for name in ("apache-airflow-core", "apache-airflow-providers-fab")}
    return {**packages, "dags": digest.hexdigest()}


def _is_migrated() -> bool:
    with psycopg_connection(Role.AIRFLOW) as connection:
        try:
            found = connection.execute("select 1 from ab_user where username = %s", (next(iter(USERS)),)).fetchone()
        except psycopg.errors.UndefinedTable:
            return False
    return found is not None


def _refuse_busy(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            raise PosttradeError(f"Port {port} is already in use.", "Choose another with --port.") from error


def _pid_file(settings: Settings, name: str) -> Path:
    return settings.airflow_home / f"{name}.pid"


def _start(settings: Settings, name: str, port: int) -> None:
    arguments = list(SERVICES[name])
    if name == "api-server":
        arguments += ["--host", LOOPBACK, "--port", str(port)]
    with (_logs(settings) / f"{name}.log").open("a") as output:
        # A session of its own, so that Ctrl-C ends the command and not the service.
        child = subprocess.Popen(
            [sys.executable, "-m", "airflow", *arguments],
            env=_environment(settings, port),
            cwd=settings.root,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _children.append(child)
    identity = {"pid": child.pid, "created": psutil.Process(child.pid).create_time()}
    _pid_file(settings, name).write_text(json.dumps(identity))


def _processes(settings: Settings) -> dict[str, psutil.Process | None]:
    return {name: _process(_pid_file(settings, name)) for name in SERVICES}


def _process(pid_file: Path) -> psutil.Process | None:
    """The service a pid file speaks of; nothing if it ended, or if its number now belongs to another process."""
    try:
        identity = json.loads(pid_file.read_text())
        process = psutil.Process(identity["pid"])
        if process.create_time() != identity["created"] or process.status() == psutil.STATUS_ZOMBIE:
            return None
    except (FileNotFoundError, ValueError, KeyError, psutil.NoSuchProcess):
        return None
    return process


def _await_health(settings: Settings, port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    waiting = list(SERVICES)
    while time.monotonic() < deadline:
        for name, process in _processes(settings).items():
            if process is None:
                log = _logs(settings) / f"{name}.log"
                raise PosttradeError(f"Airflow's {name} ended at once.", f"Its log is {log}.")
        health = _health(port)
        waiting = [name for name in SERVICES if health.get(_health_key(name)) != "healthy"]
        if not waiting:
            return
        time.sleep(0.5)
    raise PosttradeError(
        f"Airflow did not come up within {START_SECONDS} seconds; waiting for: {', '.join(waiting)}.",
        f"The logs are in {_logs(settings)}.",
    )


def _health_key(name: str) -> str:
    return "metadatabase" if name == "api-server" else name.replace("-", "_")


def _health(port: int) -> dict[str, str]:
    try:
        with urllib.request.urlopen(f"http://{LOOPBACK}:{port}/api/v2/monitor/health", timeout=5) as answer:
            parts: dict[str, Any] = json.load(answer)
    except (OSError, ValueError):
        return {}
    return {name: str(part.get("status")) for name, part in parts.items() if isinstance(part, dict)}


def _stop(settings: Settings) -> list[str]:
    stopped = []
    family: list[psutil.Process] = []
    # The scheduler first: it starts tasks, and the api-server must still take their last words.
    for name in ("scheduler", "triggerer", "dag-processor", "api-server"):
        process = _process(_pid_file(settings, name))
        if process is None:
            continue
        stopped.append(name)
        try:
            family += [process, *process.children(recursive=True)]
            process.terminate()
        except psutil.NoSuchProcess:
            continue
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    for process in alive:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
    psutil.wait_procs(alive, timeout=5)
    _children[:] = [child for child in _children if child.poll() is None]
    for name in SERVICES:
        _pid_file(settings, name).unlink(missing_ok=True)
    return stopped
