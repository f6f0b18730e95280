"""Imports point one way only."""

import subprocess
import sys

from posttrade.settings import get_settings


def test_arrows_point_one_way() -> None:
    outcome = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=get_settings().root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
