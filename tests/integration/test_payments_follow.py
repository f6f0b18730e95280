"""A payment to a client follows what the client is entitled to until it leaves: more is paid by a further payment, less holds it back.

100 shares pay 0.50 each, 50.00, unless it says otherwise.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from integration.conftest import close_day, run_day_until
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from posttrade.cli import app
from posttrade.controls.build import BUSINESS_DATE_QUERY
from posttrade.controls.catalogue import all_controls
from posttrade.errors import PosttradeError
from posttrade.offices import income
from posttrade.offices.derivations import build_middle_office
from posttrade.records.database import Role, engine

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU, FRI, NEXT_MON, NEXT_TUE = (date(2026, 1, day) for day in (5, 6, 7, 8, 9, 12, 13))
NAMES = ("MORE-SENT", "MORE-WAITS", "LESS-WAITS", "LESS-APPROVED", "NONE-APPROVED", "LESS-SENT")
PRICES = dict.fromkeys(NAMES, "10")


def dividend(name: str, amount_per_unit: str = "0.50", status: str = "ANNOUNCED") -> dict[str, object]:
    return {
        "event_id": name, "instrument_id": name, "event_type": "CASH_DIVIDEND", "event_status": status, "ex_date": TUE, "pay_date": TUE,
        "currency_code": "USD", "amount_per_unit": amount_per_unit,
    }  # fmt: skip


def payments() -> dict[tuple[str, int], tuple[object, str]]:
    return {
        (name, number): (amount, status)
        for name, number, amount, status in rows("select instrument_id, payment_no, amount, payment_status from marts.fct_payments")
    }


def payment_of(name: str, number: int = 1) -> str:
    ((payment_id,),) = rows(
        "select payment_id from operations.payments where instrument_id = :name and payment_no = :number", name=name, number=number
    )
    return str(payment_id)


def decide(day: date, decision: str, *wanted: tuple[str, int]) -> None:
    income.decide_payments([payment_of(*one) for one in wanted], decision, "a colleague", "", day, engine(Role.OPERATOR))


def release(day: date) -> dict[str, int]:
    return income.release_payments(day, engine(Role.OPERATOR))


def alerts(day: date, control_id: str) -> list[str]:
    """What a control says of a date."""
    control = next(one for one in all_controls() if one.control_id == control_id)
    with engine(Role.AUDITOR).connect() as connection:
        connection.execute(text(f"set posttrade.business_date = '{day}'"))
        found: Sequence[Any] = connection.execute(text(control.query.replace("{batch}", f"({BUSINESS_DATE_QUERY})"))).mappings().all()
    return sorted(control.alert_message(dict(row)) for row in found)


def owed_to_client(name: str, day: date) -> list[tuple[object, ...]]:
    """The balance of client_payable: a credit is owed to the client, a debit is a claim on it."""
    return rows(
        "select sum(amount) from ledger.journal_lines where gl_account = 'client_payable' and instrument_id = :name"
        " and business_date <= :day",
        name=name, day=day,
    )  # fmt: skip


def test_a_client_is_paid_what_it_is_entitled_to_and_no_more() -> None:
    firm = SmallFirm(instruments=[{"instrument_id": name} for name in NAMES])
    clients = [{"client_id": "INV", "name": "Invented Client", "country_code": "US", "iban": "DE89370400440532013000", "bic": "EXBKUS33"}]
    accounts = [{"account_id": "A", "name": "A", "client_id": "INV", "custodian_id": "CUS"}]
    firm.day(MON, [trade(name, MON, 100, "10", instrument_id=name) for name in NAMES], PRICES, clients=clients, accounts=accounts)
    firm.day(TUE, [], PRICES, corporate_actions=[dividend(name) for name in NAMES])
    assert payments() == {(name, 1): (50, "WAITING") for name in NAMES}
    # On Wednesday two leave, and two more are approved.
    decide(WED, "APPROVED", ("MORE-SENT", 1), ("LESS-SENT", 1))
    assert release(WED) == {"released": 2, "messages": 1, "blocked": 0, "held": 0}
    decide(WED, "APPROVED", ("LESS-APPROVED", 1), ("NONE-APPROVED", 1))

    # 20 more of Monday are told, so that 60.00 were due; one pays 0.60, three 0.40, and one nothing.
    amended = [
        dividend("MORE-WAITS", "0.60"), *(dividend(name, "0.40") for name in ("LESS-WAITS", "LESS-APPROVED", "LESS-SENT")),
        dividend("NONE-APPROVED", status="WITHDRAWN"),
    ]  # fmt: skip
    counts = firm.day(WED, [trade("late", MON, 20, "10", instrument_id="MORE-SENT")], PRICES, corporate_actions=amended)
    assert counts["prepare_payments"] == {"proposed": 2, "moved": 0, "held": 3, "overpaid": 1}
    assert payments() == {
        ("MORE-SENT", 1): (50, "RELEASED"), ("MORE-SENT", 2): (10, "WAITING"),
        ("MORE-WAITS", 1): (50, "WAITING"), ("MORE-WAITS", 2): (10, "WAITING"),
        ("LESS-WAITS", 1): (50, "HELD"), ("LESS-APPROVED", 1): (50, "HELD"), ("NONE-APPROVED", 1): (50, "HELD"),
        ("LESS-SENT", 1): (50, "RELEASED"),
    }  # fmt: skip
    assert rows("select gross_amount, withholding_amount, amount from operations.payments where payment_no = 2") == [(10, 0, 10)] * 2
    # What has left is a claim on the client, and an alert that names account and amount.
    assert owed_to_client("LESS-SENT", WED) == [(10,)]
    overpaid = "Client INV was overpaid by {} USD on account A for LESS-SENT: 50.00 left, it is entitled to {}."
    assert alerts(WED, "client_paid_too_much") == [overpaid.format("10.00", "40.00")]
    held = "Payment {} of 50.00 USD to INV, account A, is held: the client is entitled to {} now, of which 0.00 are promised already."
    assert alerts(WED, "payment_held") == sorted(
        held.format(payment_of(name), left)
        for name, left in (("LESS-WAITS", "40.00"), ("LESS-APPROVED", "40.00"), ("NONE-APPROVED", "0.00"))
    )
    printed = " ".join(CliRunner().invoke(app, ["payments", "list"]).output.split())
    assert "3 waiting." in printed
    assert f"./posttrade payments withdraw {payment_of('LESS-APPROVED')} --by NAME" in printed
    assert f"./posttrade payments reject {payment_of('LESS-WAITS')} --by NAME" in printed
    assert "Overpaid: 10.00 USD to INV on account A for LESS-SENT: 50.00 left, the client is entitled to 40.00." in printed

    # On Thursday nothing of what is held can be approved or sent; a person takes it back.
    with pytest.raises(
        PosttradeError, match="of 50 USD is held: the client is entitled to 40 now, and 0 of it is promised by other payments"
    ):
        decide(THU, "APPROVED", ("LESS-WAITS", 1))
    assert {one["payment_id"] for one in income.waiting_payments(THU, engine(Role.OPERATOR))} == {
        payment_of("MORE-SENT", 2), payment_of("MORE-WAITS", 1), payment_of("MORE-WAITS", 2)
    }  # fmt: skip
    decide(THU, "APPROVED", ("MORE-SENT", 2), ("MORE-WAITS", 1), ("MORE-WAITS", 2))
    assert release(THU) == {"released": 3, "messages": 1, "blocked": 0, "held": 2}
    with pytest.raises(IntegrityError, match="is held"), engine(Role.OPERATOR).begin() as connection:
        connection.execute(
            text("insert into operations.payment_releases (payment_id, message_id, business_date) values (:payment, 'm', :day)"),
            {"payment": payment_of("LESS-APPROVED"), "day": THU},
        )
    decide(THU, "REJECTED", ("LESS-WAITS", 1))
    for name in ("LESS-APPROVED", "NONE-APPROVED"):
        assert (
            CliRunner().invoke(app, ["payments", "withdraw", payment_of(name), "--by", "a colleague", "--note", "lowered"]).exit_code == 0
        )
    for name, refused in (("LESS-SENT", "has left"), ("LESS-WAITS", "is not approved"), ("LESS-APPROVED", "is withdrawn already")):
        with pytest.raises(PosttradeError, match=refused):
            income.withdraw_payment(payment_of(name), "a colleague", "why", THU, engine(Role.OPERATOR))

    # What is left is proposed at the close; the client that was overpaid is entitled to 45.00, and gets nothing for it.
    counts = firm.day(THU, [], PRICES, corporate_actions=[dividend("LESS-SENT", "0.45")])
    assert counts["prepare_payments"] == {"proposed": 2, "moved": 0, "held": 0, "overpaid": 1}
    assert {key: one for key, one in payments().items() if key[0] in ("LESS-WAITS", "LESS-APPROVED", "NONE-APPROVED")} == {
        ("LESS-WAITS", 1): (50, "REJECTED"), ("LESS-WAITS", 2): (40, "WAITING"),
        ("LESS-APPROVED", 1): (50, "WITHDRAWN"), ("LESS-APPROVED", 2): (40, "WAITING"), ("NONE-APPROVED", 1): (50, "WITHDRAWN"),
    }  # fmt: skip
    assert alerts(THU, "client_paid_too_much") == [overpaid.format("5.00", "45.00")]
    assert alerts(THU, "payment_held") == []
    # Again, and for a date that is closed, it changes nothing.
    for day in (WED, THU):
        again = income.prepare_payments(day, engine(Role.OPERATOR))
        assert (again["proposed"], again["moved"]) == (0, 0)
    assert rows("select count(*) from operations.entitlements_known") == [(7,)]

    # Friday's books say 0.30 before its payments are prepared: what was approved does not leave.
    decide(FRI, "APPROVED", ("LESS-WAITS", 2), ("LESS-APPROVED", 2))
    firm.deliver(FRI, "corporate_actions", [dividend("LESS-WAITS", "0.30"), dividend("LESS-SENT", "0.60")])
    run_day_until(build_middle_office, FRI)
    assert release(FRI) == {"released": 1, "messages": 1, "blocked": 0, "held": 1}
    income.withdraw_payment(payment_of("LESS-WAITS", 2), "a colleague", "lowered again", FRI, engine(Role.OPERATOR))
    counts = close_day(FRI)
    assert counts["prepare_payments"] == {"proposed": 2, "moved": 0, "held": 0, "overpaid": 0}
    assert (payments()["LESS-WAITS", 3], payments()["LESS-SENT", 2]) == ((30, "WAITING"), (10, "WAITING"))
    decide(NEXT_MON, "APPROVED", ("LESS-WAITS", 3), ("LESS-SENT", 2))
    assert release(NEXT_MON)["released"] == 2
    firm.day(NEXT_MON, [], PRICES)
    # Every client has what it was entitled to in the end, and nothing is owed.
    paid = "select instrument_id, sum(amount) from operations.payments inner join operations.payment_releases using (payment_id) group by 1"
    assert dict(rows(paid)) == {"MORE-SENT": 60, "MORE-WAITS": 60, "LESS-WAITS": 30, "LESS-APPROVED": 40, "LESS-SENT": 60}
    assert {name: owed_to_client(name, NEXT_MON) for name in NAMES} == {name: [(0,)] for name in NAMES}
    assert_books_tie()
