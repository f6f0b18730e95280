"""The list of steps that the benchmark times is the close as Airflow runs it."""

from airflow.dag_processing.dagbag import DagBag

from posttrade.airflow.steps import CLOSING_STEPS
from posttrade.settings import get_settings


def test_the_steps_are_those_of_the_dag_in_its_order() -> None:
    dag = DagBag(dag_folder=str(get_settings().root / "dags" / "close_business_day.py")).dags["close_business_day"]
    assert tuple(task.task_id.rsplit(".", 1)[-1] for task in dag.topological_sort()) == CLOSING_STEPS
