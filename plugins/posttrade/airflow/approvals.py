"""The second pair of eyes on payments: what is asked, who may answer, what is recorded.

The database refuses the maker as checker; this module only carries the question and the answer.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, Variable, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from posttrade.airflow.labels import Decision
from posttrade.airflow.metadata import CHECKERS_VARIABLE
from posttrade.airflow.tasks import Clock, business_date_of, described
from posttrade.errors import PosttradeError
from posttrade.records.database import Role, engine

SHOWN_PAYMENTS = 500

log = logging.getLogger(__name__)


class AskForDecision(HITLOperator):  # type: ignore[misc]
    """Asks a payment checker to approve or reject the payments of a list; is skipped when the list is empty.

    Args:
        payment_ids: keys of the payments, or the XCom that holds them.
    """

    template_fields = ("payment_ids",)

    def __init__(self, *, payment_ids: Any, **arguments: Any) -> None:
        super().__init__(
            subject="Payments wait for a second person",
            options=[Decision.APPROVE.value, Decision.REJECT.value],
            params={"note": Param("", type="string", description="Why, in your words. May be empty.")},
            **arguments,
        )
        self.payment_ids = payment_ids

    def execute(self, context: Any) -> Any:
        if not self.payment_ids:
            raise AirflowSkipException("No payment waits for a decision.")
        payments = [payment for payment in _waiting() if payment["payment_id"] in set(self.payment_ids)]
        self.subject = f"{len(payments):,} payments wait for a second person"
        self.body = question(payments)
        # Variables are edited in the UI, so the firm names its checkers without a deployment.
        self.assigned_users = json.loads(Variable.get(CHECKERS_VARIABLE, default="[]")) or None
        return super().execute(context)


def question(payments: Sequence[Mapping[str, Any]]) -> str:
    """The payments as the checker reads them: sums per currency, then a row for each payment."""
    sums: dict[str, Any] = {}
    for payment in payments:
        sums[payment["currency_code"]] = sums.get(payment["currency_code"], 0) + payment["amount"]
    total = ", ".join(f"{amount:,.2f} {currency}" for currency, amount in sorted(sums.items()))
    lines = [
        f"In all {total}.",
        "",
        "| payment | client | amount | currency | pay date | prepared by |",
        "|---|---|--:|---|---|---|",
    ]
    lines += [
        f"| {payment['payment_id']} | {payment['client_id']} | {payment['amount']:,.2f} | {payment['currency_code']} "
        f"| {payment['pay_date']} | {payment['maker']} |"
        for payment in payments[:SHOWN_PAYMENTS]
    ]
    if len(payments) > SHOWN_PAYMENTS:
        lines += ["", f"{len(payments) - SHOWN_PAYMENTS:,} more are in `marts.fct_payments` with the status WAITING."]
    return "\n".join(lines)


def list_waiting_payments() -> Any:
    """The task that finds the payments without a decision; its XCom is the list of their keys."""

    def find_keys() -> list[str]:
        return [payment["payment_id"] for payment in _waiting()]

    purpose = "Finds the payments that nobody has decided on yet."
    return task(task_id="list_waiting_payments", doc_md=purpose)(find_keys)()


def record_decisions(payment_ids: Any, answer: Any) -> Any:
    """The task that records the checker's answer for exactly the payments that were shown."""

    def record(payment_ids: list[str], answer: dict[str, Any]) -> dict[str, int]:
        income = import_module("posttrade.offices.income")
        # Tried again after a crash, the task must not decide twice.
        undecided = {payment["payment_id"] for payment in _waiting()}
        to_decide = [payment_id for payment_id in payment_ids if payment_id in undecided]
        decision = Decision(answer["chosen_options"][0])
        note = str((answer.get("params_input") or {}).get("note") or "")
        try:
            counts: dict[str, int] = income.decide_payments(
                to_decide,
                decision.recorded_as,
                checker_of(answer),
                note,
                business_date_of(Clock.OPEN_DATE),
                engine(Role.OPERATOR),
            )
        except PosttradeError as error:
            raise AirflowFailException(str(error)) from error
        log.info("%s decided: %s", checker_of(answer), described(counts))
        return counts

    purpose = "Records who decided what; the database refuses the person who prepared the payment."
    return task(task_id="record_decisions", doc_md=purpose)(record)(payment_ids, answer)


def checker_of(answer: Mapping[str, Any]) -> str:
    """The login of the person who answered.

    Raises:
        AirflowFailException: the answer names nobody; without a person there is no second pair of eyes.
    """
    user = answer.get("responded_by_user")
    name = user.get("name") if isinstance(user, Mapping) else getattr(user, "name", None)
    if not name:
        raise AirflowFailException("The answer does not say who gave it, so it is not recorded. Clear the question and answer it again.")
    return str(name)


def _waiting() -> list[dict[str, Any]]:
    income = import_module("posttrade.offices.income")
    waiting: list[dict[str, Any]] = income.waiting_payments(business_date_of(Clock.OPEN_DATE), engine(Role.OPERATOR))
    return waiting
