"""The wrapper between Airflow and the offices: what an operator reads, what is tried again, what is not."""

import logging
import os
import sys
from datetime import date
from decimal import Decimal
from types import ModuleType
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from sqlalchemy import make_url

from posttrade.airflow import tasks
from posttrade.airflow.approvals import checker_of, question
from posttrade.airflow.connections import front_office_connection
from posttrade.airflow.steps import OfficeCall, Step
from posttrade.airflow.tasks import StepOutcome, observed_by, perform
from posttrade.errors import PosttradeError
from posttrade.records.database import Role

MONDAY = date(2026, 1, 5)
STEP = Step(
    "open_business_date",
    "Opens the day.",
    (OfficeCall("sample", "publish", Role.LOADER), OfficeCall("sample", "open_date", Role.OPERATOR)),
)


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """An office with two functions; `engine` gives the role's name, so that a test sees who worked."""
    module = ModuleType("posttrade.offices.sample")
    module.calls = []  # type: ignore[attr-defined]

    def function(name: str, counts: dict[str, int]) -> Any:
        def work(business_date: date, engine: str) -> dict[str, int]:
            module.calls.append((name, business_date, engine))  # type: ignore[attr-defined]
            return counts

        return work

    module.publish = function("publish", {"recorded": 2000})  # type: ignore[attr-defined]
    module.open_date = function("open_date", {"recorded": 1, "opened": 1})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "posttrade.offices.sample", module)
    monkeypatch.setattr(tasks, "engine", lambda role: role.value)
    return module


def test_calls_run_in_order_each_as_its_role_and_their_counts_are_told(office: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert perform(STEP, MONDAY) == {"recorded": 2001, "opened": 1}
    assert office.calls == [("publish", MONDAY, "posttrade_loader"), ("open_date", MONDAY, "posttrade_operator")]
    assert "open_business_date for 2026-01-05: recorded 2,001 · opened 1" in caplog.messages


def test_what_the_office_refuses_is_not_tried_again(office: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> dict[str, int]:
        raise PosttradeError("2026-01-02 is not closed.", "Close it first.")

    monkeypatch.setattr(office, "open_date", refuse)
    seen: list[StepOutcome] = []
    with observed_by(seen.append), pytest.raises(AirflowFailException, match=r"is not closed\. Close it first\."):
        perform(STEP, MONDAY)
    assert [(outcome.task_id, outcome.error) for outcome in seen] == [("open_business_date", "2026-01-02 is not closed. Close it first.")]


def test_an_accident_is_left_to_airflow_to_try_again(office: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> dict[str, int]:
        raise ConnectionError("server closed the connection")

    monkeypatch.setattr(office, "publish", break_down)
    with pytest.raises(ConnectionError):
        perform(STEP, MONDAY)


def test_the_front_office_address_comes_from_airflow_s_own_store(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hook:
        sqlalchemy_url = make_url("postgresql://reader:secret@db.example/front")

    class Stored:
        def get_hook(self) -> Hook:
            return Hook()

    monkeypatch.delenv("AIRFLOW_CONN_FRONT_OFFICE", raising=False)
    monkeypatch.setattr("posttrade.airflow.connections.Connection.get", lambda _name: Stored())
    with front_office_connection():
        assert os.environ["AIRFLOW_CONN_FRONT_OFFICE"] == "postgresql://reader:secret@db.example/front"
    assert "AIRFLOW_CONN_FRONT_OFFICE" not in os.environ


def test_the_checker_reads_the_sums_and_every_payment() -> None:
    payments = [
        {"payment_id": "PY1", "client_id": "C1", "amount": Decimal("1234.50"), "currency_code": "EUR",
         "pay_date": MONDAY, "maker": "posttrade/income"},
        {"payment_id": "PY2", "client_id": "C2", "amount": Decimal("0.50"), "currency_code": "EUR",
         "pay_date": MONDAY, "maker": "posttrade/income"},
        {"payment_id": "PY3", "client_id": "C2", "amount": Decimal("7.00"), "currency_code": "CHF",
         "pay_date": MONDAY, "maker": "posttrade/income"},
    ]  # fmt: skip
    text = question(payments)
    assert text.splitlines()[0] == "In all 7.00 CHF, 1,235.00 EUR."
    assert "| PY1 | C1 | 1,234.50 | EUR | 2026-01-05 | posttrade/income |" in text


def test_an_answer_without_a_person_is_no_decision() -> None:
    assert checker_of({"responded_by_user": {"id": "3", "name": "checker"}}) == "checker"
    with pytest.raises(AirflowFailException, match="does not say who"):
        checker_of({"responded_by_user": None})
