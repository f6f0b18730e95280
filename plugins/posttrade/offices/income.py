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
    """Propose a payment for every client entitlement that has reached its pay date, and follow those whose pay date was moved since.

    Returns:
        Payments `proposed` now and `moved` to another pay date, and entitlements `to_recover`: lowered after their payment was
        proposed, for a person to claim back.
    """
    parameters = {"business_date": business_date, "maker": MAKER}
    with engine.begin() as connection:
        proposed = connection.execute(text(PROPOSE_PAYMENTS), parameters).rowcount
        moved = connection.execute(text(MOVE_PAY_DATES), parameters).rowcount
        to_recover = connection.scalar(text(LOWERED_AFTER_PROPOSAL), parameters)
    return {"proposed": proposed, "moved": moved, "to_recover": int(to_recover or 0)}


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

    A payment whose pay date was moved after it was proposed leaves on its new date.

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


# What clients are entitled to, and the pay date of each entitlement, as last known.
_ENTITLEMENTS = """
entitlements as (
    select
        entitlement_id, client_id, account_id, book_id, instrument_id, currency_code,
        (array_agg(pay_date order by business_date desc))[1] as pay_date,
        sum(gross_amount) as gross_amount, sum(withholding_amount) as withholding_amount, sum(net_amount) as net_amount
    from marts.fct_income
    where business_date <= :business_date and client_id is not null
    group by entitlement_id, client_id, account_id, book_id, instrument_id, currency_code
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
    standing_instructions.cash_account_id, entitlements.pay_date, :maker, :business_date
from entitlements
inner join clients using (client_id)
inner join standing_instructions using (account_id, currency_code)
where net_amount > 0 and entitlements.pay_date <= :business_date
on conflict (payment_id) do nothing
"""

LOWERED_AFTER_PROPOSAL = f"""
with {_ENTITLEMENTS}
select count(*)
from entitlements
inner join operations.payments as payments using (entitlement_id)
where entitlements.net_amount < payments.amount and payments.business_date <= :business_date
"""

# Proposals that have not left, whose entitlement is due on another date than they are.
MOVE_PAY_DATES = f"""
with {_ENTITLEMENTS}
insert into operations.payment_dates (payment_id, revision, pay_date, business_date)
select
    payments.payment_id,
    coalesce((select max(revision) from operations.payment_dates as dates where dates.payment_id = payments.payment_id), 0) + 1,
    entitlements.pay_date, :business_date
from operations.payments as payments
inner join entitlements using (entitlement_id, client_id)
where payments.business_date <= :business_date
    and operations.pay_date_known(payments, :business_date) <> entitlements.pay_date
    and not exists (select from operations.payment_releases as released where released.payment_id = payments.payment_id)
"""

WAITING_PAYMENTS = """
select
    payments.payment_id, payments.client_id, payments.amount, payments.currency_code,
    operations.pay_date_known(payments, :business_date) as pay_date, payments.maker
from operations.payments as payments
where payments.business_date <= :business_date
    and not exists (select from operations.payment_decisions as decided where decided.payment_id = payments.payment_id)
order by pay_date, payments.payment_id
"""

PAYMENTS_TO_RELEASE = """
select
    payments.payment_id, payments.cash_account_id, payments.creditor_name, payments.creditor_iban, payments.creditor_bic,
    payments.amount, payments.currency_code, operations.pay_date_known(payments, :business_date) as pay_date,
    payments.entitlement_id as reference
from operations.payments as payments
inner join operations.payment_decisions as decisions on payments.payment_id = decisions.payment_id
where decisions.decision = 'APPROVED' and operations.pay_date_known(payments, :business_date) <= :business_date
    and not exists (select from operations.payment_releases as released where released.payment_id = payments.payment_id)
order by payments.payment_id
"""
