"""What every DAG file of the house must be: light, documented, owned, retried."""

import re
from pathlib import Path
from typing import Any

import pytest

from posttrade.airflow.labels import Office, Owner, Tag
from posttrade.airflow.steps import STEPS

DAG_IDS = ["capture_trades", "close_business_day", "release_payments", "track_settlement"]


def test_every_file_is_one_dag_of_the_same_name_and_reads_without_error(parsed: dict[str, Any]) -> None:
    assert parsed["errors"] == {}
    assert sorted(parsed["dags"]) == DAG_IDS
    assert all(Path(dag["file"]).stem == dag_id for dag_id, dag in parsed["dags"].items())


def test_reading_the_files_is_quick_and_loads_nothing_heavy(parsed: dict[str, Any]) -> None:
    assert parsed["heavy"] == []
    assert parsed["seconds"] < 2


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_an_operator_finds_purpose_inputs_outputs_and_what_to_do(parsed: dict[str, Any], dag_id: str) -> None:
    dag = parsed["dags"][dag_id]
    assert re.findall(r"^### (.+)$", dag["doc"], re.MULTILINE) == ["Purpose", "Inputs", "Outputs", "If it fails"]
    assert dag["tags"] and set(dag["tags"]) <= set(Tag)
    assert {task["owner"] for task in dag["tasks"].values()} <= set(Owner)


@pytest.mark.parametrize("dag_id", DAG_IDS)
def test_every_task_is_retried_with_backoff_and_only_one_run_is_active(parsed: dict[str, Any], dag_id: str) -> None:
    dag = parsed["dags"][dag_id]
    assert dag["max_active_runs"] == 1
    for task_id, task in dag["tasks"].items():
        assert task["retries"] >= 1, task_id
        assert task["backoff"], task_id


def test_the_close_does_its_steps_in_order_by_office(parsed: dict[str, Any]) -> None:
    tasks = parsed["dags"]["close_business_day"]["tasks"]
    in_order = [
        (Office.FRONT_OFFICE, "record_reference_data"),
        (Office.FRONT_OFFICE, "open_business_date"),
        (Office.FRONT_OFFICE, "record_market_data"),
        (Office.FRONT_OFFICE, "record_trades"),
        (Office.FRONT_OFFICE, "record_statements"),
        (Office.FRONT_OFFICE, "check_landing"),
        (Office.MIDDLE_OFFICE, "prepare_terms"),
        (Office.MIDDLE_OFFICE, "build_middle_office"),
        (Office.MIDDLE_OFFICE, "check_books"),
        (Office.BACK_OFFICE, "instruct_settlement"),
        (Office.BACK_OFFICE, "prepare_payments"),
        (Office.BACK_OFFICE, "post_journal"),
        (Office.BACK_OFFICE, "build_back_office"),
        (Office.BACK_OFFICE, "check_ledger"),
        (Office.BACK_OFFICE, "deliver_outbox"),
        (Office.PUBLICATION, "publish_report"),
        (Office.PUBLICATION, "close_business_date"),
        (Office.PUBLICATION, "publish_documentation"),
    ]
    names = [f"{office}.{step}" for office, step in in_order]
    assert {name: task["upstream"] for name, task in tasks.items()} == dict(zip(names, [[], *([name] for name in names)], strict=False))


def test_payments_are_released_only_after_the_question_and_its_record(parsed: dict[str, Any]) -> None:
    tasks = parsed["dags"]["release_payments"]["tasks"]
    assert tasks["ask_for_decision"]["upstream"] == ["list_waiting_payments"]
    assert tasks["record_decisions"]["upstream"] == ["ask_for_decision", "list_waiting_payments"]
    assert tasks["release_payments"]["upstream"] == ["record_decisions"]


def test_every_step_is_used_by_a_dag(parsed: dict[str, Any]) -> None:
    used = {task_id.rsplit(".", 1)[-1] for dag in parsed["dags"].values() for task_id in dag["tasks"]}
    assert set(STEPS) <= used
