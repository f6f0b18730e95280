"""All day: what custodians and banks answer. An Airflow DAG run every 30 minutes."""

from datetime import UTC, datetime

from airflow.sdk import chain, dag

from posttrade.airflow.labels import Owner, Tag
from posttrade.airflow.tasks import TASK_DEFAULTS, Clock, office_task

DOCUMENTATION = """
### Purpose
Records settlement statuses and statements as they come in and ages what failed.

### Inputs
Status, position and balance files in the inbox folder of the open business date; open settlement instructions.

### Outputs
`operations.settlement_statuses`, custodian positions, bank balances; alerts about settlements that are late.

### If it fails
Nothing is lost: the next run and the close read the same files again. The task's log names the file and what to do.
"""


@dag(
    schedule="*/30 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={**TASK_DEFAULTS, "owner": Owner.SETTLEMENT_DESK},
    doc_md=DOCUMENTATION,
    tags=[Tag.INTRADAY, Tag.BACK_OFFICE],
)
def track_settlement():
    chain(office_task("record_statements", Clock.OPEN_DATE), office_task("age_fails", Clock.OPEN_DATE))


track_settlement()
