"""Work on posttrade itself: bench, test."""

import os
import subprocess
import sys
from typing import Annotated

import typer

from posttrade.cli.application import app
from posttrade.cli.surroundings import out
from posttrade.settings import get_settings


@app.command()
def bench(
    trades: Annotated[int, typer.Option(min=1000, help="New trades of the measured day.")] = 100_000,
    lots: Annotated[bool, typer.Option("--lots", help="Time the matching of lots alone, against a plain GROUP BY.")] = False,
) -> None:
    """Time every step of a close and the bare SQL of the same work, on the same data, in one run."""
    if lots:
        from posttrade.bench_lots import run_bench_of_lots

        run_bench_of_lots(trades, out)
        return
    from posttrade.bench import run_bench

    run_bench(trades, out)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Run the tests on a throw-away Postgres; further words go to pytest, such as -m year for those that take long."""
    root = get_settings().root
    arguments = [sys.executable, "-m", "pytest", "--numprocesses", "2", "--dist", "loadfile", "--no-loadscope-reorder", *context.args]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("POSTTRADE_")}
    raise typer.Exit(subprocess.run(arguments, cwd=root, env=environment, check=False).returncode)
