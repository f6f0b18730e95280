"""Payments leave after a second person has looked. An Airflow DAG of its own: the close does not wait for it."""

from datetime import UTC, datetime

from airflow.sdk import chain, dag

from posttrade.airflow.approvals import AskForDecision, list_waiting_payments, record_decisions
from posttrade.airflow.assets import CLOSED_BUSINESS_DATE
from posttrade.airflow.labels import Owner, Tag
from posttrade.airflow.tasks import TASK_DEFAULTS, Clock, office_task

DOCUMENTATION = """
### Purpose
Asks a checker about the payments of income to clients that the close has prepared, and releases those approved.
It starts when a business date is closed; start it by hand to ask again.

### Inputs
`operations.payments` without a decision; the answer given under *Required Actions* by one of the users that the Airflow
variable `payment_checkers` names.

### Outputs
`operations.payment_decisions`, `operations.payment_releases`, a payment file in the outbox. Each payment leaves once.

### If it fails
`record_decisions` names the payment that the database refused; the person who prepared a payment cannot approve it.
Payments held back by an open critical alert are counted as `blocked`: resolve the alert, then start this DAG again.
"""


@dag(
    schedule=[CLOSED_BUSINESS_DATE],
    start_date=datetime(2000, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={**TASK_DEFAULTS, "owner": Owner.PAYMENTS_DESK},
    doc_md=DOCUMENTATION,
    tags=[Tag.APPROVAL, Tag.BACK_OFFICE],
)
def release_payments():
    payment_ids = list_waiting_payments()
    question = AskForDecision(task_id="ask_for_decision", payment_ids=payment_ids)
    # Payments decided elsewhere leave as well, when there is nothing to ask.
    release = office_task("release_payments", Clock.OPEN_DATE, trigger_rule="none_failed")
    chain(question, record_decisions(payment_ids, question.output), release)


release_payments()
