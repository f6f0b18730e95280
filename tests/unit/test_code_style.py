"""The code passes the linter, the formatter and the type checker."""

import subprocess
import sys

import pytest

from posttrade.settings import get_settings


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "plugins", "dags", "tests"],
        ["ruff", "format", "--check", "plugins", "dags", "tests"],
        ["mypy"],
    ],
    ids=["ruff check", "ruff format", "mypy"],
)
def test_the_code_passes(command: list[str]) -> None:
    outcome = subprocess.run([sys.executable, "-m", *command], cwd=get_settings().root, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
