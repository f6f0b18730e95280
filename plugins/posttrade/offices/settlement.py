"""Settle and deliver: one instruction for each obligation, out through the outbox, and the ageing of what fails."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.controls.gate import is_blocked
from posttrade.messages.settlement_instructions import COLUMNS, settlement_instructions_text
from posttrade.records import outbox

INSTRUCTING_LOCK = 7_405_020
ROWS_OF_A_PART = 10_000


def instruct_settlement(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Record the instructions that lead from what stands to what the trades of a business date ask for.

    A new version of a trade is instructed anew; the instruction of the version it replaces is cancelled as far as it is
    open, and what it has moved already is returned. What the same date instructed before its facts became others is replaced
    by what they ask for now; what is cancelled or returned of an instruction that stands after all, and has not left the house,
    is withdrawn. A trade without standing instruction or counterparty is held and tried again on the next date. A closed date
    asks for nothing more.

    Returns:
        `instructed`, `cancelled`, `returned`, `reinstated` now, and the obligations `held`.
    """
    parameters = {"business_date": business_date}
    counts = {"instructed": 0, "cancelled": 0, "returned": 0, "reinstated": 0}
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": INSTRUCTING_LOCK})
        if not connection.scalar(text("select 1 from operations.day_closings where business_date = :business_date"), parameters):
            for statement in CONCERNED_AND_WANTED:
                connection.execute(text(statement), parameters)
            taken_back = connection.execute(text(TAKE_BACK_WHAT_IS_REPLACED), parameters).one()
            counts["cancelled"], counts["returned"] = taken_back.cancelled, taken_back.returned
            counts["reinstated"] = connection.execute(text(REINSTATE_WHAT_STANDS_AFTER_ALL), parameters).rowcount
            counts["instructed"] = connection.execute(text(INSTRUCT_ACTIVE_TRADES), parameters).rowcount
        held = connection.scalar(text("select count(*) from operations.obligations_held where business_date <= :business_date"), parameters)
    return counts | {"held": int(held or 0)}


def deliver_outbox(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Put the instructions that are in no message yet into one, and deliver what waits.

    What was cancelled before it left is not sent, and nor is its cancellation.

    Returns:
        `instructions` put into a message, `messages` delivered, and `blocked`: instructions that stay in the house because
        a critical alert of the date is open.
    """
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": INSTRUCTING_LOCK})
        instruction_ids: list[str] = []
        found = connection.execute(text(INSTRUCTIONS_TO_SEND), {"business_date": business_date})
        payload = settlement_instructions_text(_noted(found, instruction_ids))
        if is_blocked(business_date, connection):
            return {"instructions": 0, "messages": 0, "blocked": len(instruction_ids)}
        if instruction_ids:
            outbox.queue(connection, "settlement", business_date, instruction_ids, payload)
    return {"instructions": len(instruction_ids), "messages": outbox.deliver("settlement", engine), "blocked": 0}


def _noted(found: sqlalchemy.CursorResult[Any], instruction_ids: list[str]) -> Iterator[sqlalchemy.Row[Any]]:
    """The rows in turn, and the id of each noted: all rows of a large day at once would take twice the memory of its message."""
    for part in found.partitions(ROWS_OF_A_PART):
        for row in part:
            instruction_ids.append(row.instruction_id)
            yield row


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

# The trades of the date, with those that it has instructed before and those that could not be instructed until it; and what those that are
# in the books ask for, by their last state and the standing instruction.
CONCERNED_AND_WANTED = (
    "drop table if exists pg_temp.concerned, pg_temp.wanted",
    """
create temp table concerned on commit drop as
select trade_id from marts.fct_trades where business_date = :business_date
union
select trade_id from operations.settlement_instructions where business_date = :business_date
union
select trade_id from operations.obligations_held where business_date <= :business_date
union
select earlier.trade_id
from books.standing_instructions as told
inner join marts.fct_trades as earlier on told.account_id = earlier.account_id and told.currency_code = earlier.currency_code
where told.business_date = :business_date and not exists (
    select from books.standing_instructions as before
    where before.account_id = told.account_id and before.currency_code = told.currency_code
        and before.business_date < :business_date
)
union
-- what has moved although the house, or the custodian by itself, has cancelled it
select instructions.trade_id
from operations.settlement_statuses as statuses
inner join operations.settlement_instructions as instructions on statuses.instruction_id = instructions.instruction_id
inner join operations.settlement_instructions as takings on instructions.instruction_id = takings.cancels_instruction_id
where statuses.business_date = :business_date and statuses.settled_quantity <> 0 and instructions.function = 'NEWM'
union
select instructions.trade_id
from operations.settlement_statuses as statuses
inner join operations.settlement_statuses as cancelled
    on statuses.instruction_id = cancelled.instruction_id and cancelled.status = 'CANCELLED'
inner join operations.settlement_instructions as instructions on statuses.instruction_id = instructions.instruction_id
where statuses.business_date = :business_date and statuses.settled_quantity <> 0 and instructions.function = 'NEWM'
""",
    "analyze pg_temp.concerned",
    """
create temp table wanted on commit drop as
with standing_instructions as (
    select distinct on (account_id, currency_code) *
    from books.standing_instructions
    where business_date <= :business_date
    order by account_id, currency_code, business_date desc, revision desc
),
of_the_date as (
    select * from marts.fct_trades where business_date = :business_date
),
last_states as (
    select * from of_the_date
    union all
    select states.*
    from (select trade_id from pg_temp.concerned except select trade_id from of_the_date) as others
    cross join lateral (
        select * from marts.fct_trades as trades
        where trades.trade_id = others.trade_id and trades.business_date < :business_date
        order by trades.business_date desc
        limit 1
    ) as states
)
select
    states.*, ssi.place_of_settlement_bic, ssi.custody_account_number, ssi.cash_account_id,
    states.counterparty_id is not null and ssi.account_id is not null
        and states.instrument_id not in (select undelivered.instrument_id from books.undelivered_instruments as undelivered)
        as can_be_instructed
from last_states as states
left join standing_instructions as ssi on states.account_id = ssi.account_id and states.currency_code = ssi.currency_code
where states.trade_status = 'ACTIVE'
""",
    # of a large day the other columns would take a second
    "analyze pg_temp.wanted (trade_id, version)",
)

_HAS_WANTED_CONTENT = """
    wanted.can_be_instructed and instructions.trade_version = wanted.version
    and (
        instructions.book_id, instructions.account_id, instructions.instrument_id, instructions.counterparty_id,
        instructions.quantity, instructions.amount, instructions.currency_code, instructions.trade_date,
        instructions.settlement_date, instructions.place_of_settlement_bic, instructions.custody_account_number,
        instructions.cash_account_id
    ) is not distinct from (
        wanted.book_id, wanted.account_id, wanted.instrument_id, wanted.counterparty_id,
        wanted.quantity, wanted.net_amount, wanted.currency_code, wanted.trade_date,
        wanted.settlement_date, wanted.place_of_settlement_bic, wanted.custody_account_number, wanted.cash_account_id
    )
"""

# What stands since an earlier date is not instructed anew by what is learned later, a standing instruction for one; its version is.
_IS_AS_WANTED = f"""
    instructions.trade_version = wanted.version
    and (instructions.business_date < :business_date or ({_HAS_WANTED_CONTENT}))
"""

# The cancellations and returns of an instruction that are not withdrawn themselves. That they name one lets the planner gather them all by
# the index of what names one.
_TAKEN_BACK_BY = """
    from operations.settlement_instructions as takings
    where takings.cancels_instruction_id = instructions.instruction_id and takings.cancels_instruction_id is not null
        and not exists (
            select from operations.settlement_instructions as withdrawals
            where withdrawals.cancels_instruction_id = takings.instruction_id
        )
"""

# The first instruction of a version has an id of its trade and version, and so has what takes it back first.
TAKE_BACK_WHAT_IS_REPLACED = f"""
with instructed as (
    select instructions.*, (wanted.trade_id is not null and {_IS_AS_WANTED}) as is_as_wanted
    from pg_temp.concerned
    inner join operations.settlement_instructions as instructions on concerned.trade_id = instructions.trade_id
    left join pg_temp.wanted on instructions.trade_id = wanted.trade_id
    where instructions.function = 'NEWM' and instructions.business_date <= :business_date
),
replaced as (
    select
        instructions.*,
        coalesce(moved.quantity, 0) as moved_quantity,
        coalesce(moved.amount, 0) as moved_amount,
        coalesce(moved.is_cancelled, false) as is_cancelled,
        taken_back.is_at_all as is_taken_back,
        taken_back.returned_quantity,
        taken_back.returned_amount,
        instructions.instruction_id
            = 'PT' || upper(left(md5(instructions.trade_id || '|' || instructions.trade_version || '|NEWM'), 14)) as is_first
    from instructed as instructions
    left join lateral (
        select
            sum(settled_quantity) as quantity, sum(settled_amount) as amount, bool_or(status = 'CANCELLED') as is_cancelled
        from operations.settlement_statuses as statuses
        where statuses.instruction_id = instructions.instruction_id and statuses.business_date <= :business_date
    ) as moved on true
    cross join lateral (
        select
            count(*) > 0 as is_at_all,
            coalesce(-sum(takings.quantity) filter (where takings.function = 'RETN'), 0) as returned_quantity,
            coalesce(-sum(takings.amount) filter (where takings.function = 'RETN'), 0) as returned_amount
        {_TAKEN_BACK_BY}
    ) as taken_back
    where not instructions.is_as_wanted or taken_back.is_at_all
),
takings as (
    select
        replaced.*, takings.function as taking, takings.taken_quantity, takings.taken_amount, takings.taking_date,
        (
            select count(*) from operations.settlement_instructions as earlier
            where earlier.cancels_instruction_id = replaced.instruction_id and earlier.function = takings.function
        ) as number_before
    from replaced
    cross join lateral (values
        (
            'RETN', returned_quantity - moved_quantity, returned_amount - moved_amount, greatest(settlement_date, :business_date),
            moved_quantity <> returned_quantity
        ),
        (
            'CANC', quantity - moved_quantity, amount - moved_amount, settlement_date,
            moved_quantity <> quantity and not is_cancelled and not is_taken_back
        )
    ) as takings (function, taken_quantity, taken_amount, taking_date, is_due)
    where takings.is_due
),
taken_back as (
    insert into operations.settlement_instructions ({_INSTRUCTION_COLUMNS})
    select
        'PT' || upper(left(md5(
            case
                when is_first and number_before = 0 then trade_id || '|' || trade_version || '|' || taking
                else instruction_id || '|' || taking || '|' || number_before + 1
            end
        ), 14)),
        trade_id, trade_version, taking, instruction_id,
        book_id, account_id, instrument_id, counterparty_id, taken_quantity, taken_amount, currency_code, trade_date,
        taking_date, place_of_settlement_bic, custody_account_number, cash_account_id, :business_date
    from takings
    returning function
)
select count(*) filter (where function = 'CANC') as cancelled, count(*) filter (where function = 'RETN') as returned from taken_back
"""

# What takes back an instruction that has left the house, where nothing of it has left and what was instructed is wanted after all.
REINSTATE_WHAT_STANDS_AFTER_ALL = f"""
with takings_in_the_house as materialized (
    select takings.*
    from pg_temp.wanted
    inner join operations.settlement_instructions as takings on wanted.trade_id = takings.trade_id
    where takings.cancels_instruction_id is not null and takings.business_date <= :business_date
        and not exists (
            select from operations.outbox_items as items
            where items.channel = 'settlement' and items.item_id = takings.instruction_id
        )
        and not exists (
            select from operations.settlement_instructions as withdrawals where withdrawals.cancels_instruction_id = takings.instruction_id
        )
),
taken_back as materialized (
    select instructions.*
    from operations.settlement_instructions as instructions
    where instructions.function = 'NEWM'
        and instructions.instruction_id in (select takings.cancels_instruction_id from takings_in_the_house as takings)
        and exists (
            select from operations.outbox_items as items
            where items.channel = 'settlement' and items.item_id = instructions.instruction_id
        )
        and not exists (
            select from operations.settlement_instructions as sent
            inner join operations.outbox_items as items on items.channel = 'settlement' and sent.instruction_id = items.item_id
            where sent.cancels_instruction_id = instructions.instruction_id
        )
),
reinstated as materialized (
    select instructions.instruction_id, instructions.trade_id
    from taken_back as instructions
    inner join pg_temp.wanted on instructions.trade_id = wanted.trade_id and {_HAS_WANTED_CONTENT}
),
standing as materialized (
    select instructions.trade_id
    from reinstated
    inner join pg_temp.wanted on reinstated.trade_id = wanted.trade_id
    inner join operations.settlement_instructions as instructions on reinstated.trade_id = instructions.trade_id
    where instructions.function = 'NEWM' and instructions.business_date <= :business_date and {_IS_AS_WANTED}
        and not exists (select {_TAKEN_BACK_BY})
)
insert into operations.settlement_instructions ({_INSTRUCTION_COLUMNS})
select
    'PT' || upper(left(md5(takings.instruction_id || '|CANC'), 14)), takings.trade_id, takings.trade_version, 'CANC',
    takings.instruction_id, takings.book_id, takings.account_id, takings.instrument_id, takings.counterparty_id, takings.quantity,
    takings.amount, takings.currency_code, takings.trade_date, takings.settlement_date, takings.place_of_settlement_bic,
    takings.custody_account_number, takings.cash_account_id, :business_date
from takings_in_the_house as takings
inner join reinstated on takings.cancels_instruction_id = reinstated.instruction_id
where reinstated.trade_id not in (select standing.trade_id from standing)
"""

INSTRUCT_ACTIVE_TRADES = f"""
with earlier as (
    select
        wanted.trade_id,
        count(*) filter (where instructions.trade_version = wanted.version) as number,
        bool_or({_IS_AS_WANTED} and not exists (select {_TAKEN_BACK_BY})) as is_standing
    from pg_temp.wanted
    inner join operations.settlement_instructions as instructions on wanted.trade_id = instructions.trade_id
    where instructions.function = 'NEWM' and instructions.business_date <= :business_date
    group by wanted.trade_id
)
insert into operations.settlement_instructions ({_INSTRUCTION_COLUMNS})
select
    'PT' || upper(left(md5(
        wanted.trade_id || '|' || wanted.version || '|NEWM' || case when earlier.number > 0 then '|' || earlier.number + 1 else '' end
    ), 14)),
    wanted.trade_id, wanted.version, 'NEWM', null, wanted.book_id, wanted.account_id, wanted.instrument_id, wanted.counterparty_id,
    wanted.quantity, wanted.net_amount, wanted.currency_code, wanted.trade_date, wanted.settlement_date,
    wanted.place_of_settlement_bic, wanted.custody_account_number, wanted.cash_account_id, :business_date
from pg_temp.wanted
left join earlier on wanted.trade_id = earlier.trade_id
where wanted.can_be_instructed and not coalesce(earlier.is_standing, false)
"""

# What is known of its counterparty and instrument is looked up for each instruction: how many are to be sent cannot be foreseen from what
# was sent before, and joined by a wrong guess each would be compared with all of them.
INSTRUCTIONS_TO_SEND = f"""
with to_send as (
    select instructions.*, instruments.isin, counterparties.bic as counterparty_bic
    from operations.settlement_instructions as instructions
    cross join lateral (
        select known.bic from books.counterparties as known
        where known.counterparty_id = instructions.counterparty_id and known.business_date <= :business_date
        order by known.business_date desc, known.revision desc
        limit 1
    ) as counterparties
    cross join lateral (
        select known.isin from books.instruments as known
        where known.instrument_id = instructions.instrument_id and known.business_date <= :business_date
        order by known.business_date desc, known.revision desc
        limit 1
    ) as instruments
    where instructions.business_date <= :business_date
        and not exists (
            select from operations.outbox_items as items
            where items.channel = 'settlement' and items.item_id = instructions.instruction_id
        )
        and instructions.instruction_id not in (select withdrawn.instruction_id from operations.instructions_withdrawn as withdrawn)
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
        and instructions.instruction_id not in (
            select withdrawn.instruction_id from operations.instructions_withdrawn as withdrawn
            where withdrawn.withdrawn_date <= :business_date
        )
)
select
    count(*) filter (where days_late between 1 and 3), count(*) filter (where days_late between 4 and 10),
    count(*) filter (where days_late > 10)
from open_late
"""
