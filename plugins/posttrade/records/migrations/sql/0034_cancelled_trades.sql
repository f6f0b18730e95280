-- A cancelled trade stays cancelled: what is told of it afterwards is reported, and not guessed to bring it back. The allocations of a
-- block come and go with its divisions, and only the block itself is cancelled for good.

-- As before, but for what follows a cancellation.
create or replace function books.block_states(as_of date, only_blocks text[] default null)
returns table (
    trade_id text, version integer, business_date date, quantity numeric, allocated_quantity numeric,
    booked_version integer, booked_allocation_version integer, waits_because text
)
    language sql stable as $$
    with names as materialized (
        select versions.trade_id from books.trade_versions as versions
        where versions.is_block and versions.business_date <= as_of and (only_blocks is null or versions.trade_id = any(only_blocks))
        union
        select allocations.block_trade_id from books.allocations as allocations
        where allocations.business_date <= as_of and (only_blocks is null or allocations.block_trade_id = any(only_blocks))
    ),
    versions as materialized (
        select versions.* from names inner join books.trade_versions as versions on names.trade_id = versions.trade_id
        where versions.business_date <= as_of
    ),
    last_versions as (
        select distinct on (versions.trade_id) versions.* from versions order by versions.trade_id, versions.version desc
    ),
    originals as (
        select versions.trade_id from versions where versions.version = 1
    ),
    -- A cancellation ends a block; what came before the trade went into a custody account is over.
    over as (
        select
            versions.trade_id, bool_or(versions.event_type = 'CANCEL') as is_cancelled,
            case when bool_or(versions.event_type = 'CANCEL') then 2147483647 else max(versions.version) end as version
        from versions where not versions.is_block group by versions.trade_id
    ),
    divisions as materialized (
        select
            allocations.block_trade_id, allocations.version, sum(allocations.quantity) as quantity,
            coalesce(sum(allocations.fee_amount), 0) as fee_amount, bool_or(allocations.fee_amount is null) as shares_fee,
            bool_or(exists (
                select from books.trade_versions as others
                where others.trade_id = allocations.block_trade_id || '/' || allocations.allocation_no
                    and others.block_trade_id is distinct from allocations.block_trade_id
            )) as is_name_taken
        from names inner join books.allocations as allocations on names.trade_id = allocations.block_trade_id
        where allocations.business_date <= as_of
        group by allocations.block_trade_id, allocations.version
    ),
    pairs as (
        select
            versions.trade_id, versions.version, divisions.version as division_version,
            case
                when divisions.is_name_taken then 'NAME_TAKEN'
                when divisions.quantity <> abs(versions.quantity) then 'QUANTITY'
                when divisions.shares_fee
                    and divisions.fee_amount not between least(versions.fee_amount, 0) and greatest(versions.fee_amount, 0) then 'FEES'
                when not divisions.shares_fee and divisions.fee_amount <> versions.fee_amount then 'FEES'
            end as misfit
        from versions
        inner join originals on versions.trade_id = originals.trade_id
        inner join divisions on versions.trade_id = divisions.block_trade_id
        left join over on versions.trade_id = over.trade_id
        where versions.is_block and versions.version > coalesce(over.version, 0)
    ),
    booked as (
        select distinct on (pairs.trade_id) pairs.* from pairs
        where pairs.misfit is null
        order by pairs.trade_id, pairs.version desc, pairs.division_version desc
    ),
    last_divisions as (
        select distinct on (divisions.block_trade_id) divisions.* from divisions order by divisions.block_trade_id, divisions.version desc
    )
    select
        names.trade_id, last_versions.version, coalesce(last_versions.business_date, as_of), abs(last_versions.quantity),
        coalesce(last_divisions.quantity, 0), booked.version, booked.division_version,
        case
            when originals.trade_id is null then 'BLOCK_MISSING'
            when over.is_cancelled then null
            when not last_versions.is_block
                then case when not exists (select from versions where versions.trade_id = names.trade_id and versions.is_block) then 'NO_BLOCK' end
            when last_divisions.version is null then 'NOT_ALLOCATED'
            else last_pairs.misfit
        end
    from names
    left join last_versions on names.trade_id = last_versions.trade_id
    left join originals on names.trade_id = originals.trade_id
    left join over on names.trade_id = over.trade_id
    left join last_divisions on names.trade_id = last_divisions.block_trade_id
    left join booked on names.trade_id = booked.trade_id
    left join pairs as last_pairs
        on last_versions.trade_id = last_pairs.trade_id and last_versions.version = last_pairs.version
        and last_divisions.version = last_pairs.division_version
$$;

-- As before, but for what follows a cancellation.
create or replace view operations.obligations_held as
with kept_out as materialized (
    select beyond.trade_id, beyond.version from operations.trade_events_beyond_cutoff as beyond where beyond.released_date is null
),
last_versions as (
    select distinct on (versions.trade_id) versions.*
    from books.trade_versions as versions
    where not exists (select from kept_out where kept_out.trade_id = versions.trade_id and kept_out.version = versions.version)
    order by versions.trade_id, versions.version desc
),
standing_instructions as (
    select distinct account_id, currency_code from books.standing_instructions
)
select
    last_versions.trade_id, last_versions.version as trade_version, last_versions.book_id, last_versions.account_id,
    last_versions.currency_code, last_versions.counterparty_id, last_versions.business_date,
    case
        when last_versions.counterparty_id is null then 'COUNTERPARTY_MISSING'
        else 'STANDING_INSTRUCTION_MISSING'
    end as reason
from last_versions
left join standing_instructions
    on last_versions.account_id = standing_instructions.account_id
    and last_versions.currency_code = standing_instructions.currency_code
where last_versions.event_type <> 'CANCEL' and not last_versions.is_block
    and (
        last_versions.block_trade_id is not null
        or not exists (
            select from books.trade_versions as cancelled
            where cancelled.trade_id = last_versions.trade_id and cancelled.event_type = 'CANCEL'
                and not exists (select from kept_out where kept_out.trade_id = cancelled.trade_id and kept_out.version = cancelled.version)
        )
    )
    and last_versions.instrument_id not in (select undelivered.instrument_id from books.undelivered_instruments as undelivered)
    and exists (
        select from books.trade_versions as originals
        where originals.trade_id = last_versions.trade_id and originals.version = 1
            and not exists (select from kept_out where kept_out.trade_id = originals.trade_id and kept_out.version = 1)
    )
    and not exists (
        select from operations.settlement_instructions as instructions
        where instructions.trade_id = last_versions.trade_id and instructions.trade_version = last_versions.version
    )
    and (last_versions.counterparty_id is null or standing_instructions.account_id is null);
