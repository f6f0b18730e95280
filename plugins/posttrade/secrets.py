"""Passwords and keys of the installation: made once, kept in one file that only its owner can read."""

import fcntl
import json
import os
import secrets as random_source
from pathlib import Path

from posttrade.errors import PosttradeError
from posttrade.settings import get_settings


def secret(name: str, byte_count: int = 24) -> str:
    """The secret of that name; made at the first call.

    `POSTTRADE_SECRET_<NAME>` in the environment wins over the file, so that a deployment can bring its own.

    Args:
        name: what it opens, e.g. `posttrade_loader`.
        byte_count: entropy of a new secret in bytes.

    Raises:
        PosttradeError: the file is there but cannot be read as JSON.
    """
    given = os.environ.get(f"POSTTRADE_SECRET_{name.upper()}")
    if given:
        return given
    path = get_settings().secrets_file
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path):
        known = _read(path)
        if name not in known:
            known[name] = random_source.token_urlsafe(byte_count)
            _write(path, known)
        return known[name]


class _locked:
    """Two processes that start at once must agree on one password."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_suffix(".lock")

    def __enter__(self) -> None:
        self._file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        os.close(self._file)


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        known: dict[str, str] = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise PosttradeError(f"The secrets file {path} is not valid JSON (line {error.lineno}).", "Restore it from your backup.") from error
    return known


def _write(path: Path, known: dict[str, str]) -> None:
    draft = path.with_suffix(".new")
    descriptor = os.open(draft, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(known, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
