"""Settle and deliver: one instruction for each obligation, out through the outbox, and the ageing of what fails."""

from datetime import date

import sqlalchemy
from sqlalchemy import text

from posttrade.controls.gate import is_blocked
from posttrade.messages.settlement_instructions import COLUMNS, settlement_instructions_text
from posttrade.records import outbox

INSTRUCTING_LOCK = 7_405_020


def instruct_settlement(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Record the instructions that the trades of a business date ask for.

    A new version of a trade is instructed anew; the instruction of the version it replaces is cancelled as far as it is
    open, and what it has moved already is returned. A trade without standing instruction or counterparty is held and
    tried again on the next date.

    Returns:
        `instructed`, `cancelled`, `returned` now, and the obligations `held`.
    """
    parameters = {"business_date": business_date}
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": INSTRUCTING_LOCK})
        counts = {
            "returned": connection.execute(text(RETURN_WHAT_SETTLED), parameters).rowcount,
            "cancelled": connection.execute(text(CANCEL_WHAT_IS_OPEN), parameters).rowcount,
            "instructed": connection.execute(text(INSTRUCT_ACTIVE_TRADES), parameters).rowcount,
        }
        held = connection.scalar(text("select count(*) from operations.obligations_held where business_date <= :business_date"), parameters)
    return counts | {"held": int(held or 0)}


def deliver_outbox(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Put the instructions that are in no message yet into one, and deliver what waits.

    Returns:
        `instructions` put into a message, `messages` delivered, and `blocked`: instructions that stay in the house because
        a critical alert of the date is open.
    """
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": INSTRUCTING_LOCK})
        rows = connection.execute(text(INSTRUCTIONS_TO_SEND), {"business_date": business_date}).all()
        if is_blocked(business_date, connection):
            return {"instructions": 0, "messages": 0, "blocked": len(rows)}
        if rows:
            payload = settlement_instructions_text(rows)
            outbox.queue(connection, "settlement", business_date, [row.instruction_id for row in rows], payload)
    return {"instructions": len(rows), "messages": outbox.deliver("settlement", engine), "blocked": 0}


def age_fails(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Count the instructions open past their settlement date, by calendar days late.

    Returns:
        `late_1_to_3`, `late_4_to_10` and `late_over_10`.
    """
    with engine.connect() as connection:
        row = connection.execute(text(LATE_INSTRUCTIONS), {"business_date": business_date}).one()
    return {"late_1_to_3": row[0], "late_4_to_10": row[1], "late_over_10": row[2]}


_INSTRUCTION_COLUMNS = """instruction_id, trade_id, trade_version, function, cancels_instruction_id, book_id, account_id,
    instrument_id, counterparty_id, quantity, amount, currency_code, trade_date, settlement_date, place_of_settlement_bic,
    custody_account_number, cash_account_id, business_date"""

# The instructions whose trade has moved on today, with what they have moved already.
_REPLACED = """
replaced as (
    select
        instructions.*,
        coalesce(moved.quantity, 0) as moved_quantity,
        coalesce(moved.amount, 0) as moved_amount,
        coalesce(moved.is_cancelled, false) as is_cancelled
    from marts.fct_trades as trades
    inner join operations.settlement_instructions as instructions on trades.trade_id = instructions.trade_id
    left join lateral (
        select
            sum(settled_quantity) as quantity, sum(settled_amount) as amount, bool_or(status = 'CANCELLED') as is_cancelled
        from operations.settlement_statuses as statuses
        where statuses.instruction_id = instructions.instruction_id and statuses.business_date <= :business_date
    ) as moved on true
    where trades.business_date = :business_date
        and instructions.function = 'NEWM'
        and instructions.business_date <= :business_date
        and (
            trades.trade_status in ('CANCELLED', 'BLOCK')
            or (trades.trade_status = 'ACTIVE' and trades.version > instructions.trade_version)
        )
)
"""

RETURN_WHAT_SETTLED = f"""
with {_REPLACED}
insert into operations.settlement_instructions ({_INSTRUCTION_COLUMNS})
select
    'PT' || upper(left(md5(trade_id || '|' || trade_version || '|RETN'), 14)), trade_id, trade_version, 'RETN', instruction_id,
    book_id, account_id, instrument_id, counterparty_id, -moved_quantity, -moved_amount, currency_code, trade_date,
    greatest(settlement_date, :business_date), place_of_settlement_bic, custody_account_number, cash_account_id, :business_date
from replaced
where moved_quantity <> 0
on conflict (instruction_id) do nothing
"""

CANCEL_WHAT_IS_OPEN = f"""
with {_REPLACED}
insert into operations.settlement_instructions ({_INSTRUCTION_COLUMNS})
select
    'PT' || upper(left(md5(trade_id || '|' || trade_version || '|CANC'), 14)), trade_id, trade_version, 'CANC', instruction_id,
    book_id, account_id, instrument_id, counterparty_id, quantity - moved_quantity, amount - moved_amount, currency_code, trade_date,
    settlement_date, place_of_settlement_bic, custody_account_number, cash_account_id, :business_date
from replaced
where moved_quantity <> quantity and not is_cancelled
on conflict (instruction_id) do nothing
"""

INSTRUCT_ACTIVE_TRADES = f"""
with last_states as (
    select distinct on (trade_id) *
    from marts.fct_trades
    where business_date = :business_date
        or trade_id in (select trade_id from operations.obligations_held where business_date <= :business_date)
    order by trade_id, business_date desc
),
standing_instructions as (
    select distinct on (account_id, currency_code) *
    from books.standing_instructions
    where business_date <= :business_date
    order by account_id, currency_code, business_date desc, revision desc
)
insert into operations.settlement_instructions ({_INSTRUCTION_COLUMNS})
select
    'PT' || upper(left(md5(trades.trade_id || '|' || trades.version || '|NEWM'), 14)), trades.trade_id, trades.version, 'NEWM', null,
    trades.book_id, trades.account_id, trades.instrument_id, trades.counterparty_id, trades.quantity, trades.net_amount,
    trades.currency_code, trades.trade_date, trades.settlement_date, ssi.place_of_settlement_bic, ssi.custody_account_number,
    ssi.cash_account_id, :business_date
from last_states as trades
inner join standing_instructions as ssi on trades.account_id = ssi.account_id and trades.currency_code = ssi.currency_code
where trades.business_date <= :business_date and trades.trade_status = 'ACTIVE' and trades.counterparty_id is not null
    and trades.instrument_id not in (select undelivered.instrument_id from books.undelivered_instruments as undelivered)
on conflict (instruction_id) do nothing
"""

INSTRUCTIONS_TO_SEND = f"""
with counterparties as (
    select distinct on (counterparty_id) counterparty_id, bic
    from books.counterparties where business_date <= :business_date
    order by counterparty_id, business_date desc, revision desc
),
instruments as (
    select distinct on (instrument_id) instrument_id, isin
    from books.instruments where business_date <= :business_date
    order by instrument_id, business_date desc, revision desc
),
to_send as (
    select instructions.*, instruments.isin, counterparties.bic as counterparty_bic
    from operations.settlement_instructions as instructions
    inner join counterparties on instructions.counterparty_id = counterparties.counterparty_id
    inner join instruments on instructions.instrument_id = instruments.instrument_id
    where instructions.business_date <= :business_date
        and not exists (
            select from operations.outbox_items as items
            where items.channel = 'settlement' and items.item_id = instructions.instruction_id
        )
)
select {", ".join("trim_scale(" + name + ") as " + name if name in ("quantity", "amount") else name for name in COLUMNS)}
from to_send
order by instruction_id
"""

LATE_INSTRUCTIONS = """
with open_late as (
    select :business_date - instructions.settlement_date as days_late
    from operations.settlement_instructions as instructions
    where instructions.function <> 'CANC' and instructions.settlement_date < :business_date
        and instructions.business_date <= :business_date
        and not exists (
            select from operations.settlement_statuses as statuses
            where statuses.instruction_id = instructions.instruction_id and statuses.business_date <= :business_date
                and statuses.status in ('SETTLED', 'CANCELLED')
        )
)
select
    count(*) filter (where days_late between 1 and 3), count(*) filter (where days_late between 4 and 10),
    count(*) filter (where days_late > 10)
from open_late
"""
