"""Income payments to clients: proposed on the pay date, decided by a second person, released once.

A payment follows what its client is entitled to: what that grows by is a further payment, and one that is more than what is left is held.
"""

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
from posttrade.records.refusals import refusal, refusals_said

MAKER = "posttrade/income"
PAYING_LOCK = 7_405_030


def prepare_payments(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Propose a payment for every client entitlement that has reached its pay date, and follow those that changed since.

    What an entitlement has grown by after its payment was proposed is proposed as a further payment. One that was lowered holds the
    payments that have not left. After a rejection or withdrawal what is left is proposed once the entitlement has changed.

    Returns:
        Payments `proposed` now and `moved` to another pay date; payments `held` because their entitlement was lowered, and entitlements
        `overpaid`: lowered after their payment left, for a person to claim back.
    """
    parameters = {"business_date": business_date, "maker": MAKER}
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": PAYING_LOCK})
        _follow_entitlements(business_date, connection)
        proposed = connection.execute(text(PROPOSE_PAYMENTS), parameters).rowcount
        moved = connection.execute(text(MOVE_PAY_DATES), parameters).rowcount
        held = connection.scalar(text("select count(*) from operations.payments_held(:business_date)"), parameters)
        overpaid = len(connection.execute(text(OVERPAID_CLIENTS), parameters).all())
    return {"proposed": proposed, "moved": moved, "held": int(held or 0), "overpaid": overpaid}


def _follow_entitlements(business_date: date, connection: sqlalchemy.Connection) -> None:
    """Record what the entitlements with a payment have become; while the books are rebuilt, what is recorded already holds."""
    if connection.scalar(text("select to_regclass('marts.fct_income')")) is not None and connection.scalar(text(ARE_BOOKS_COMPLETE)):
        connection.execute(text(FOLLOW_ENTITLEMENTS), {"business_date": business_date})


def waiting_payments(business_date: date, engine: sqlalchemy.Engine) -> list[dict[str, Any]]:
    """The payments that wait for a decision: id, client, amount, currency, pay date, maker; those that are held are not asked about."""
    return _read(WAITING_PAYMENTS, business_date, engine)


def held_payments(business_date: date, engine: sqlalchemy.Engine) -> list[dict[str, Any]]:
    """The payments that are more than what is left of their entitlement: id, client, account, amount, currency, whether approved, what the
    client is entitled to now and what of it the payments before promised.
    """
    return _read(HELD_PAYMENTS, business_date, engine)


def overpaid_clients(business_date: date, engine: sqlalchemy.Engine) -> list[dict[str, Any]]:
    """What left for clients beyond their entitlement: client, account, book, instrument, amounts paid, entitled and overpaid, currency."""
    return _read(OVERPAID_CLIENTS, business_date, engine)


def _read(statement: str, business_date: date, engine: sqlalchemy.Engine) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(statement), {"business_date": business_date}).mappings()]


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
        PosttradeError: a payment is unknown, already decided, approved beyond its entitlement, or the checker is its maker; then none is
            decided.
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
        raise refusal(error) or PosttradeError(*_refusal(payment_id, decision, error)) from error
    except sqlalchemy.exc.DBAPIError as error:
        if "NoDataFound" in type(error.orig).__name__:
            raise PosttradeError(f"There is no payment {payment_id}.", "List them in marts.fct_payments.") from error
        raise
    return {decision.lower(): len(payment_ids)}


@refusals_said()
def withdraw_payment(payment_id: str, withdrawn_by: str, note: str, business_date: date, engine: sqlalchemy.Engine) -> None:
    """Take back an approved payment that has not left.

    Args:
        payment_id: the payment.
        withdrawn_by: the person.
        note: why, in the person's words.
        business_date: the open date.
        engine: of the operator.

    Raises:
        PosttradeError: the payment is unknown, is not approved, has left, or is withdrawn already.
    """
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": PAYING_LOCK})
        if not connection.scalar(text("select 1 from operations.payments where payment_id = :payment_id"), {"payment_id": payment_id}):
            raise PosttradeError(f"There is no payment {payment_id}.", "List them in marts.fct_payments.")
        withdrawn = connection.execute(
            text(
                "insert into operations.payment_withdrawals (payment_id, withdrawn_by, note, business_date)"
                " values (:payment_id, :withdrawn_by, :note, :business_date) on conflict (payment_id) do nothing"
            ),
            {"payment_id": payment_id, "withdrawn_by": withdrawn_by, "note": note, "business_date": business_date},
        )
        if not withdrawn.rowcount:
            raise PosttradeError(f"Payment {payment_id} is withdrawn already.", "")


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


@refusals_said()
def release_payments(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Release the approved payments into one message and deliver it; each leaves once.

    A payment whose pay date was moved after it was proposed leaves on its new date; one whose entitlement was lowered is held.

    Returns:
        Payments `released` now, `messages` delivered, `blocked`: approved payments that stay because a critical alert of the date is
        open, and `held`: approved payments that are more than what is left of their entitlement.

    Raises:
        PosttradeError: the business date is closed; what leaves is booked in the open one.
    """
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": PAYING_LOCK})
        # What the books of the date say by now, whether or not the payments of the date are prepared.
        _follow_entitlements(business_date, connection)
        held = connection.scalar(
            text("select count(*) from operations.payments_held(:business_date) where is_approved"), {"business_date": business_date}
        )
        rows = connection.execute(text(PAYMENTS_TO_RELEASE), {"business_date": business_date}).all()
        if is_blocked(business_date, connection):
            return {"released": 0, "messages": 0, "blocked": len(rows), "held": int(held or 0)}
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
    return {"released": len(rows), "messages": outbox.deliver("payments", engine), "blocked": 0, "held": int(held or 0)}


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

# What the payments of an entitlement have promised by a date, those that were rejected or withdrawn left out, and what the client was
# entitled to when the last of them was proposed.
_PROMISED = """
promised as (
    select
        payments.entitlement_id, payments.client_id, max(payments.payment_no) as payment_no,
        coalesce(sum(payments.gross_amount) filter (where is_promised), 0) as gross_amount,
        coalesce(sum(payments.withholding_amount) filter (where is_promised), 0) as withholding_amount,
        coalesce(sum(payments.amount) filter (where is_promised), 0) as amount,
        (array_agg(coalesce(payments.entitled_amount, payments.amount) order by payments.payment_no desc))[1] as entitled_amount
    from operations.payments as payments
    cross join lateral (
        select
            not exists (
                select from operations.payment_decisions as decided
                where decided.payment_id = payments.payment_id and decided.decision = 'REJECTED'
                    and decided.business_date <= :business_date
            )
            and not exists (
                select from operations.payment_withdrawals as withdrawn
                where withdrawn.payment_id = payments.payment_id and withdrawn.business_date <= :business_date
            ) as is_promised
    ) as states
    where payments.business_date <= :business_date
    group by payments.entitlement_id, payments.client_id
)
"""

# A rebuild makes the closed dates one after the other; each has the rate of the base currency.
ARE_BOOKS_COMPLETE = """
select not exists (
    select from operations.day_closings as closings
    where closings.business_date not in (select rates.business_date from intermediate.int_market__closing_fx_rates as rates)
)
"""

# What is not the amount last known of an entitlement with a payment; an entitlement without a row is none.
FOLLOW_ENTITLEMENTS = f"""
with {_ENTITLEMENTS},
latest as (
    select distinct on (entitlement_id, client_id) payments as payment, entitlement_id, client_id
    from operations.payments as payments
    where business_date <= :business_date
    order by entitlement_id, client_id, payment_no desc
)
insert into operations.entitlements_known (entitlement_id, client_id, revision, net_amount, business_date)
select
    entitlement_id, client_id,
    coalesce((
        select max(known.revision) from operations.entitlements_known as known
        where known.entitlement_id = latest.entitlement_id and known.client_id = latest.client_id
    ), 0) + 1,
    coalesce(entitlements.net_amount, 0), :business_date
from latest
left join entitlements using (entitlement_id, client_id)
where coalesce(entitlements.net_amount, 0) <> operations.entitled_amount_known(latest.payment, :business_date)
"""

PROPOSE_PAYMENTS = f"""
with {_ENTITLEMENTS},
{_PROMISED},
clients as (
    select distinct on (client_id) *
    from books.clients where business_date <= :business_date
    order by client_id, business_date desc, revision desc
),
standing_instructions as (
    select distinct on (account_id, currency_code) *
    from books.standing_instructions where business_date <= :business_date
    order by account_id, currency_code, business_date desc, revision desc
),
due as (
    select
        entitlements.*, coalesce(promised.payment_no, 0) + 1 as payment_no,
        entitlements.gross_amount - coalesce(promised.gross_amount, 0) as further_gross_amount,
        entitlements.withholding_amount - coalesce(promised.withholding_amount, 0) as further_withholding_amount,
        entitlements.net_amount - coalesce(promised.amount, 0) as further_amount
    from entitlements
    left join promised using (entitlement_id, client_id)
    where promised.entitled_amount is distinct from entitlements.net_amount
)
insert into operations.payments (payment_id, entitlement_id, client_id, account_id, book_id, instrument_id, gross_amount,
    withholding_amount, amount, currency_code, creditor_name, creditor_iban, creditor_bic, cash_account_id, pay_date, maker,
    business_date, payment_no, entitled_amount)
select
    'PY' || upper(left(md5(concat_ws('|', entitlement_id, client_id, nullif(payment_no, 1))), 14)), entitlement_id, client_id, account_id,
    book_id, instrument_id, further_gross_amount, further_withholding_amount, further_amount, currency_code, clients.name, clients.iban,
    clients.bic, standing_instructions.cash_account_id, due.pay_date, :maker, :business_date, payment_no, net_amount
from due
inner join clients using (client_id)
inner join standing_instructions using (account_id, currency_code)
where further_amount > 0 and due.pay_date <= :business_date
on conflict (payment_id) do nothing
"""

HELD_PAYMENTS = """
select
    payments.payment_id, payments.client_id, payments.account_id, payments.amount, payments.currency_code, held.is_approved,
    held.entitled_amount, held.promised_amount
from operations.payments_held(:business_date) as held
inner join operations.payments as payments using (payment_id)
order by payments.payment_id
"""

OVERPAID_CLIENTS = f"""
with {_ENTITLEMENTS}
select
    payments.client_id, payments.account_id, payments.book_id, payments.instrument_id, payments.currency_code,
    sum(payments.amount) as paid_amount, coalesce(entitlements.net_amount, 0) as entitled_amount,
    sum(payments.amount) - coalesce(entitlements.net_amount, 0) as overpaid_amount
from operations.payments as payments
inner join operations.payment_releases as released on payments.payment_id = released.payment_id
    and released.business_date <= :business_date
left join entitlements
    on payments.entitlement_id = entitlements.entitlement_id and payments.client_id = entitlements.client_id
group by payments.entitlement_id, payments.client_id, payments.account_id, payments.book_id, payments.instrument_id,
    payments.currency_code, entitlements.net_amount
having sum(payments.amount) > coalesce(entitlements.net_amount, 0)
order by payments.client_id, payments.account_id, payments.instrument_id
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
    and payments.payment_id not in (select held.payment_id from operations.payments_held(:business_date) as held)
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
    and not exists (select from operations.payment_withdrawals as withdrawn where withdrawn.payment_id = payments.payment_id)
    and payments.payment_id not in (select held.payment_id from operations.payments_held(:business_date) as held)
order by payments.payment_id
"""
