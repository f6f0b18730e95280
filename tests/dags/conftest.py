"""Airflow reads its environment at import: give it a home of its own before any test imports it."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="posttrade-airflow-"))
os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")

PARSE = """
import json, sys, time
import airflow.sdk, airflow.providers.standard.operators.hitl, posttrade.airflow.tasks
from airflow.dag_processing.dagbag import DagBag
started = time.perf_counter()
before = set(sys.modules)
bag = DagBag(dag_folder=sys.argv[1])
print("PARSED", json.dumps({
    "seconds": time.perf_counter() - started,
    "heavy": sorted({"pandas", "great_expectations", "dbt", "QuantLib", "exchange_calendars"} & set(sys.modules)),
    "errors": bag.import_errors,
    "dags": {
        dag_id: {
            "file": str(dag.fileloc), "doc": dag.doc_md, "tags": sorted(dag.tags),
            "max_active_runs": dag.max_active_runs,
            "tasks": {
                task.task_id: {
                    "owner": str(task.owner), "retries": task.retries, "backoff": bool(task.retry_exponential_backoff),
                    "upstream": sorted(task.upstream_task_ids), "doc": task.doc_md,
                }
                for task in dag.topological_sort()
            },
        }
        for dag_id, dag in bag.dags.items()
    },
}))
"""


@pytest.fixture(scope="session")
def parsed() -> dict[str, Any]:
    """What a fresh interpreter finds in the folder of DAGs."""
    outcome = subprocess.run(
        [sys.executable, "-c", PARSE, str(ROOT / "dags")],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "plugins"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in outcome.stdout.splitlines() if line.startswith("PARSED ")]
    assert lines, outcome.stderr
    found: dict[str, Any] = json.loads(lines[0].removeprefix("PARSED "))
    return found
