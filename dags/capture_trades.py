"""All day: what the front office has. An Airflow DAG run every 15 minutes."""

from datetime import UTC, datetime

from airflow.sdk import dag

from posttrade.airflow.labels import Owner, Tag
from posttrade.airflow.tasks import TASK_DEFAULTS, Clock, office_task

DOCUMENTATION = """
### Purpose
Records trades while the day is open, so that the close finds them in place and bad rows are seen early.

### Inputs
Trade files (CSV, FIX drop copy) in the inbox folder of the open business date, and the front-office table.

### Outputs
Trade versions in `books.trade_versions`; rows that could not be recorded in `operations.exceptions`.

### If it fails
Nothing is lost: the next run and the close read the same sources again. The task's log names the file and what to do.
"""


@dag(
    schedule="*/15 * * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={**TASK_DEFAULTS, "owner": Owner.FRONT_OFFICE_SUPPORT},
    doc_md=DOCUMENTATION,
    tags=[Tag.INTRADAY, Tag.FRONT_OFFICE],
)
def capture_trades():
    office_task("record_trades", Clock.OPEN_DATE)


capture_trades()
