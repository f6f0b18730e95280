-- As before, and found by one look at each trade version: whether an account has a standing instruction is asked of each version by itself,
-- and of the few that have none, or no counterparty, whether they are the last of their trade.
create or replace view operations.obligations_held as
with kept_out as materialized (
    select beyond.trade_id, beyond.version from operations.trade_events_beyond_cutoff as beyond where beyond.released_date is null
),
cannot_be_instructed as materialized (
    select versions.*
    from books.trade_versions as versions
    where versions.event_type <> 'CANCEL' and not versions.is_block
        and (
            versions.counterparty_id is null
            or not exists (
                select from books.standing_instructions as instructions
                where instructions.account_id = versions.account_id and instructions.currency_code = versions.currency_code
            )
        )
        and versions.instrument_id not in (select undelivered.instrument_id from books.undelivered_instruments as undelivered)
)
select
    held.trade_id, held.version as trade_version, held.book_id, held.account_id, held.currency_code, held.counterparty_id, held.business_date,
    case when held.counterparty_id is null then 'COUNTERPARTY_MISSING' else 'STANDING_INSTRUCTION_MISSING' end as reason
from cannot_be_instructed as held
where not exists (select from kept_out where kept_out.trade_id = held.trade_id and kept_out.version = held.version)
    and not exists (
        select from books.trade_versions as later
        where later.trade_id = held.trade_id and later.version > held.version
            and not exists (select from kept_out where kept_out.trade_id = later.trade_id and kept_out.version = later.version)
    )
    and (
        held.block_trade_id is not null
        or not exists (
            select from books.trade_versions as cancelled
            where cancelled.trade_id = held.trade_id and cancelled.event_type = 'CANCEL'
                and not exists (select from kept_out where kept_out.trade_id = cancelled.trade_id and kept_out.version = cancelled.version)
        )
    )
    and exists (
        select from books.trade_versions as originals
        where originals.trade_id = held.trade_id and originals.version = 1
            and not exists (select from kept_out where kept_out.trade_id = originals.trade_id and kept_out.version = 1)
    )
    and not exists (
        select from operations.settlement_instructions as instructions
        where instructions.trade_id = held.trade_id and instructions.trade_version = held.version
    );

-- What takes an instruction back is rare, and found without reading them all.
drop index operations.settlement_instructions_cancels_instruction_id_idx;
create index on operations.settlement_instructions (cancels_instruction_id) where cancels_instruction_id is not null;

-- As before, by that index.
create or replace view operations.instructions_withdrawn as
select withdrawn.instruction_id, cancellations.business_date as withdrawn_date
from operations.settlement_instructions as cancellations
cross join lateral (values (cancellations.instruction_id), (cancellations.cancels_instruction_id)) as withdrawn (instruction_id)
where cancellations.function = 'CANC' and cancellations.cancels_instruction_id is not null and not exists (
    select from operations.outbox_items as items
    where items.channel = 'settlement' and items.item_id = cancellations.cancels_instruction_id
);
