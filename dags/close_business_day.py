"""The daily close. One Airflow DAG run per business date."""

from datetime import UTC, datetime

from airflow.sdk import chain, dag, task_group

from posttrade.airflow.assets import CLOSED_BUSINESS_DATE, announce_closed_date
from posttrade.airflow.labels import Office, Owner, Tag
from posttrade.airflow.tasks import TASK_DEFAULTS, office_task
from posttrade.airflow.timetable import BusinessDayTimetable

DOCUMENTATION = """
### Purpose
Closes one business date: records what arrived, derives the books, checks them, instructs, posts, publishes.
The business date is the date of the run's logical date.

### Inputs
The inbox folder of the business date, the front-office table, everything recorded on earlier dates.

### Outputs
Marts, alerts, the journal, instruction files in the outbox, the day's report, the documentation, and the asset event
`closed_business_date` with the business date.

### If it fails
The failed task's log ends with one sentence: what is wrong and what to do. Put it right and clear that task; what is
recorded already is not recorded twice. A failed control does not stop the close: it opens an alert, and an open
critical alert keeps instructions in the house until it is resolved (`deliver_outbox` says what waits).
Days close in order, so fill a gap with `airflow backfill create --dag-id close_business_day --max-active-runs 1 …`.
"""


@dag(
    schedule=BusinessDayTimetable("XETR", closing_hour=22),
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={**TASK_DEFAULTS, "owner": Owner.MIDDLE_OFFICE},
    doc_md=DOCUMENTATION,
    tags=[Tag.DAILY_CLOSE, Tag.FRONT_OFFICE, Tag.MIDDLE_OFFICE, Tag.BACK_OFFICE, Tag.PUBLICATION],
)
def close_business_day():
    @task_group(group_id=Office.FRONT_OFFICE)
    def front_office():
        chain(
            office_task("record_reference_data"),
            office_task("open_business_date"),
            office_task("record_market_data"),
            office_task("record_trades"),
            office_task("record_statements"),
            office_task("check_landing"),
        )

    @task_group(group_id=Office.MIDDLE_OFFICE)
    def middle_office():
        chain(office_task("prepare_terms"), office_task("build_middle_office"), office_task("check_books"))

    @task_group(group_id=Office.BACK_OFFICE)
    def back_office():
        chain(
            office_task("instruct_settlement"),
            office_task("prepare_payments"),
            office_task("post_journal"),
            office_task("build_back_office"),
            office_task("check_ledger"),
            office_task("deliver_outbox"),
        )

    @task_group(group_id=Office.PUBLICATION)
    def publication():
        chain(
            office_task("publish_report"),
            office_task("close_business_date"),
            office_task("publish_documentation", outlets=[CLOSED_BUSINESS_DATE], post_execute=announce_closed_date),
        )

    chain(front_office(), middle_office(), back_office(), publication())


close_business_day()
