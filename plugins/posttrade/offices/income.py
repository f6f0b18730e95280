"""Income payments to clients: proposed on the pay date, decided by a second person, released once."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from posttrade.controls.gate import is_blocked
from posttrade.errors import PosttradeError
from posttrade.messages.payment_orders import payment_orders_text
from posttrade.records import outbox

MAKER = "posttrade/income"
PAYING_LOCK = 7_405_030


def prepare_payments(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Propose a payment for every client entitlement that has reached its pay date.

    Returns:
        `proposed` now, and entitlements `to_recover`: lowered after their payment was proposed, for a person to claim back.
    """
    parameters = {"business_date": business_date, "maker": MAKER}
    with engine.begin() as connection:
        proposed = connection.execute(text(PROPOSE_PAYMENTS), parameters).rowcount
        to_recover = connection.scalar(text(LOWERED_AFTER_PROPOSAL), parameters)
    return {"proposed": proposed, "to_recover": int(to_recover or 0)}


def waiting_payments(business_date: date, engine: sqlalchemy.Engine) -> list[dict[str, Any]]:
    """The payments that wait for a decision: id, client, amount, currency, pay date, maker."""
    with engine.connect() as connection:
        rows = connection.execute(text(WAITING_PAYMENTS), {"business_date": business_date}).mappings().all()
    return [dict(row) for row in rows]


def decide_payments(
    payment_ids: Sequence[str], decision: str, checker: str, note: str, business_date: date, engine: sqlalchemy.Engine
) -> dict[str, int]:
    """Record the decision of a second person.

    Args:
        payment_ids: proposals that wait.
        decision: `APPROVED` or `REJECTED`.
        checker: the person who decides; never the maker.
        note: why, in the checker's words; may be empty.
        business_date: the open date.
        engine: of the operator.

    Raises:
        PosttradeError: a payment is unknown, already decided, or the checker is its maker; then none is decided.
    """
    try:
        with engine.begin() as connection:
            for payment_id in payment_ids:
                connection.execute(
                    text(
                        "insert into operations.payment_decisions (payment_id, decision, checker, note, business_date)"
                        " values (:payment_id, :decision, :checker, :note, :business_date)"
                    ),
                    {
                        "payment_id": payment_id,
                        "decision": decision,
                        "checker": checker,
                        "note": note or None,
                        "business_date": business_date,
                    },
                )
    except IntegrityError as error:
        raise PosttradeError(*_refusal(payment_id, decision, error)) from error
    except sqlalchemy.exc.DBAPIError as error:
        if "NoDataFound" in type(error.orig).__name__:
            raise PosttradeError(f"There is no payment {payment_id}.", "List them in marts.fct_payments.") from error
        raise
    return {decision.lower(): len(payment_ids)}


def _refusal(payment_id: str, decision: str, error: IntegrityError) -> tuple[str, str]:
    reason = type(error.orig).__name__
    if reason == "UniqueViolation":
        return f"Payment {payment_id} is already decided.", "A decision stands; propose a new payment if it was wrong."
    if "second person" in str(error.orig):
        return (
            f"Payment {payment_id} cannot be decided by the one who prepared it.",
            "Ask a colleague to approve or reject it.",
        )
    return f"Payment {payment_id} cannot be decided as {decision!r}: {str(error.orig).splitlines()[0]}.", ""


def release_payments(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Release the approved payments into one message and deliver it; each leaves once.

    Returns:
        Payments `released` now, `messages` delivered, and `blocked`: approved payments that stay because a critical alert
        of the date is open.
    """
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": PAYING_LOCK})
        rows = connection.execute(text(PAYMENTS_TO_RELEASE), {"business_date": business_date}).all()
        if is_blocked(business_date, connection):
            return {"released": 0, "messages": 0, "blocked": len(rows)}
        if rows:
            payment_ids = [row.payment_id for row in rows]
            message_id = outbox.queue(connection, "payments", business_date, payment_ids, payment_orders_text(rows))
            connection.execute(
                text(
                    "insert into operations.payment_releases (payment_id, message_id, business_date)"
                    " select payment_id, :message_id, :business_date from unnest(cast(:payment_ids as text[])) as payment_id"
                ),
                {"message_id": message_id, "business_date": business_date, "payment_ids": payment_ids},
            )
    return {"released": len(rows), "messages": outbox.deliver("payments", engine), "blocked": 0}


_ENTITLEMENTS = """
entitlements as (
    select
        entitlement_id, client_id, account_id, book_id, instrument_id, currency_code, pay_date,
        sum(gross_amount) as gross_amount, sum(withholding_amount) as withholding_amount, sum(net_amount) as net_amount
    from (
        select income.*, first_value(income.pay_date) over (partition by entitlement_id order by income.business_date desc) as due_date
        from marts.fct_income as income
        where income.business_date <= :business_date and income.client_id is not null
    ) as known
    where due_date <= :business_date
    group by entitlement_id, client_id, account_id, book_id, instrument_id, currency_code, pay_date
)
"""

PROPOSE_PAYMENTS = f"""
with {_ENTITLEMENTS},
clients as (
    select distinct on (client_id) *
    from books.clients where business_date <= :business_date
    order by client_id, business_date desc, revision desc
),
standing_instructions as (
    select distinct on (account_id, currency_code) *
    from books.standing_instructions where business_date <= :business_date
    order by account_id, currency_code, business_date desc, revision desc
)
insert into operations.payments (payment_id, entitlement_id, client_id, account_id, book_id, instrument_id, gross_amount,
    withholding_amount, amount, currency_code, creditor_name, creditor_iban, creditor_bic, cash_account_id, pay_date, maker,
    business_date)
select
    'PY' || upper(left(md5(entitlement_id || '|' || client_id), 14)), entitlement_id, client_id, account_id, book_id, instrument_id,
    gross_amount, withholding_amount, net_amount, currency_code, clients.name, clients.iban, clients.bic,
    standing_instructions.cash_account_id, pay_date, :maker, :business_date
from entitlements
inner join clients using (client_id)
inner join standing_instructions using (account_id, currency_code)
where net_amount > 0
on conflict (payment_id) do nothing
"""

LOWERED_AFTER_PROPOSAL = f"""
with {_ENTITLEMENTS}
select count(*)
from entitlements
inner join operations.payments as payments using (entitlement_id)
where entitlements.net_amount < payments.amount and payments.business_date <= :business_date
"""

WAITING_PAYMENTS = """
select payments.payment_id, payments.client_id, payments.amount, payments.currency_code, payments.pay_date, payments.maker
from operations.payments as payments
where payments.business_date <= :business_date
    and not exists (select from operations.payment_decisions as decided where decided.payment_id = payments.payment_id)
order by payments.pay_date, payments.payment_id
"""

PAYMENTS_TO_RELEASE = """
select
    payments.payment_id, payments.cash_account_id, payments.creditor_name, payments.creditor_iban, payments.creditor_bic,
    payments.amount, payments.currency_code, payments.pay_date, payments.entitlement_id as reference
from operations.payments as payments
inner join operations.payment_decisions as decisions on payments.payment_id = decisions.payment_id
where decisions.decision = 'APPROVED' and payments.pay_date <= :business_date
    and not exists (select from operations.payment_releases as released where released.payment_id = payments.payment_id)
order by payments.payment_id
"""
