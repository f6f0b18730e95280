-- Blocks and their allocations; how far back a trade event may reach, and what a person decides about one that reaches further.

alter table books.accounts
    add column account_type text check (account_type in ('CUSTODY', 'ALLOCATION')); -- null: CUSTODY; what trades in ALLOCATION is a block
alter table books.trade_versions
    add column is_block boolean not null default false,  -- in an account for allocation: its allocations are booked in its place
    add column block_trade_id text;                      -- of an allocation, recorded by the loader as <block>/<allocation_no>
create index on books.trade_versions (trade_id) where is_block;
create index on books.trade_versions (trade_id) where version > 1 or trade_date < business_date;
create index on books.trade_versions (block_trade_id) where block_trade_id is not null;

create table books.allocations (                   -- a block's whole division is a version of it; a later one replaces it
    block_trade_id text not null,                  -- as on record, with its source: CSV~B-1
    version integer not null check (version >= 1), -- of the division, not of the block
    allocation_no integer not null check (allocation_no >= 1),
    account_id text not null,
    quantity numeric(28,10) not null check (quantity > 0), -- of the block's quantity, whatever its side
    book_id text,                                  -- null: the block's
    fee_amount numeric(24,4),                      -- positive: cost to the book; null: its share of the block's by quantity
    content_sha text not null, business_date date not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (block_trade_id, version, allocation_no)
);
create index on books.allocations (business_date);
create trigger append_only before update or delete on books.allocations
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on books.allocations
    for each statement execute function operations.refuse_change();

-- What a date knows of each block (of these, or of all): the version of it and of its division that are booked, and why the last ones
-- of both are not. Booked is the highest version of the block that a division fits, with the highest such division; nothing of a
-- block that is cancelled or waits for its original. The same whatever the order of arrival.
create function books.block_states(as_of date, only_blocks text[] default null)
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
    -- What came before a cancellation, or before the trade went into a custody account, is over.
    over as (
        select versions.trade_id, max(versions.version) as version from versions where not versions.is_block group by versions.trade_id
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
            when last_versions.event_type = 'CANCEL' then null
            when not last_versions.is_block
                then case when not exists (select from versions where versions.trade_id = names.trade_id and versions.is_block) then 'NO_BLOCK' end
            when last_divisions.version is null then 'NOT_ALLOCATED'
            else last_pairs.misfit
        end
    from names
    left join last_versions on names.trade_id = last_versions.trade_id
    left join originals on names.trade_id = originals.trade_id
    left join last_divisions on names.trade_id = last_divisions.block_trade_id
    left join booked on names.trade_id = booked.trade_id
    left join pairs as last_pairs
        on last_versions.trade_id = last_pairs.trade_id and last_versions.version = last_pairs.version
        and last_divisions.version = last_pairs.division_version
$$;
create view operations.waiting_blocks as
select * from books.block_states('infinity') where waits_because is not null;

-- Whoever records an allocation: those of a block that are not cancelled add up to a version of the block, or there are none.
create function books.refuse_part_of_block() returns trigger
    language plpgsql as $$
declare bad record;
begin
    select blocks.block_trade_id, allocated.quantity into bad
    from (select distinct block_trade_id from new_rows where block_trade_id is not null) as blocks
    cross join lateral (
        select sum(last_versions.quantity) as quantity
        from (
            select distinct on (versions.trade_id) versions.quantity, versions.event_type
            from books.trade_versions as versions
            where versions.block_trade_id = blocks.block_trade_id
            order by versions.trade_id, versions.version desc
        ) as last_versions
        where last_versions.event_type <> 'CANCEL'
    ) as allocated
    where allocated.quantity is not null and not exists (
        select from books.trade_versions as versions
        where versions.trade_id = blocks.block_trade_id and versions.is_block and versions.quantity = allocated.quantity
    )
    limit 1;
    if found then
        raise exception 'the allocations of % add up to %, which is the quantity of no version of it', bad.block_trade_id, bad.quantity
            using errcode = 'check_violation';
    end if;
    return null;
end $$;
create trigger adds_up_to_the_block after insert on books.trade_versions
    referencing new table as new_rows for each statement execute function books.refuse_part_of_block();

alter table books.firms
    add column posting_cutoff_days integer check (posting_cutoff_days >= 0);  -- business days before the event's own; null: no cut-off

-- For each business date the latest trade date out of reach of its events: the last business date before those that may be reached.
-- What was traded after it, also on a day between two business dates, is in reach. No row where the firm states no cut-off.
create view books.posting_cutoffs as
with cutoffs as materialized (                     -- worked out once for each date, not for each trade
    select
        days.business_date, stated.posting_cutoff_days,
        (
            select earlier.business_date from books.business_days as earlier
            where earlier.business_date < days.business_date
            order by earlier.business_date desc offset stated.posting_cutoff_days limit 1
        ) as last_date_out_of_reach
    from books.business_days as days
    cross join lateral (
        select firms.posting_cutoff_days from books.firms as firms
        where firms.business_date <= days.business_date
        order by firms.business_date desc, firms.revision desc limit 1
    ) as stated
    where stated.posting_cutoff_days is not null
)
select * from cutoffs;

create table operations.trade_releases (           -- a person's decision on an event beyond the cut-off, once for each
    trade_id text not null, version integer not null,
    decision text not null check (decision in ('RELEASED', 'REFUSED')), -- booked in the business date of the decision; stays out
    decided_by text not null check (btrim(decided_by) <> ''),
    reason text not null check (btrim(reason) <> ''),
    business_date date not null, known_at timestamptz not null default clock_timestamp(),
    primary key (trade_id, version),
    foreign key (trade_id, version) references books.trade_versions (trade_id, version)
);
create index on operations.trade_releases (business_date);
create trigger append_only before update or delete on operations.trade_releases
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on operations.trade_releases
    for each statement execute function operations.refuse_change();

-- Events of trades that reach beyond the cut-off of their business date: a date stated for the trade up to then, by this version or
-- another one, is out of reach. Whatever the order in which the events of a date arrive, they are the same. A release covers the
-- versions before the one released; from released_date on the event counts, null: it stays out of the books.
create view operations.trade_events_beyond_cutoff as
with cutoffs as materialized (
    select * from books.posting_cutoffs
),
-- A trade that came once, on its own date, reaches nowhere: almost all do, and are not looked at.
reaching as materialized (
    select distinct versions.trade_id from books.trade_versions as versions
    where (versions.version > 1 or versions.trade_date < versions.business_date) and exists (select from cutoffs)
),
beyond as materialized (
    select events.*, cutoffs.posting_cutoff_days, cutoffs.last_date_out_of_reach
    from reaching
    -- one trade after the other by the index: the planner would read the whole history
    cross join lateral (
        select versions.* from books.trade_versions as versions where versions.trade_id = reaching.trade_id offset 0
    ) as events
    inner join cutoffs on events.business_date = cutoffs.business_date
    where (
        select min(stated.trade_date) from books.trade_versions as stated
        where stated.trade_id = events.trade_id and stated.business_date <= events.business_date
    ) <= cutoffs.last_date_out_of_reach
)
select
    beyond.trade_id, beyond.version, beyond.event_type, beyond.source_system, beyond.business_date, beyond.posting_cutoff_days,
    beyond.last_date_out_of_reach,
    (
        select greatest(min(releases.business_date), beyond.business_date) from operations.trade_releases as releases
        where releases.trade_id = beyond.trade_id and releases.version >= beyond.version and releases.decision = 'RELEASED'
        having count(*) > 0
    ) as released_date
from beyond
-- A block is not in the books itself: its allocations are held.
where not exists (
        select from books.trade_versions as blocks
        where blocks.trade_id = beyond.trade_id and blocks.business_date <= beyond.business_date and blocks.is_block
    )
    or exists (
        select from books.trade_versions as booked
        where booked.trade_id = beyond.trade_id and booked.business_date <= beyond.business_date
            and booked.event_type <> 'CANCEL' and not booked.is_block
    );

-- The events that wait for a person on a date: neither released nor refused, and not overtaken by a later version that counts.
-- An original is overtaken only by a cancellation: any other version needs it.
create function operations.trade_events_held(as_of date)
returns table (
    trade_id text, version integer, event_type text, source_system text, business_date date, posting_cutoff_days integer,
    last_date_out_of_reach date
)
    language sql stable as $$
    with beyond as materialized (
        select * from operations.trade_events_beyond_cutoff as events where events.business_date <= as_of
    )
    select
        held.trade_id, held.version, held.event_type, held.source_system, held.business_date, held.posting_cutoff_days,
        held.last_date_out_of_reach
    from beyond as held
    left join lateral (
        select later.version, later.event_type
        from books.trade_versions as later
        left join beyond on later.trade_id = beyond.trade_id and later.version = beyond.version
        where later.trade_id = held.trade_id and later.version > held.version and later.business_date <= as_of
            and (beyond.trade_id is null or beyond.released_date <= as_of)
        order by later.version desc limit 1
    ) as counted on true
    where (held.released_date is null or held.released_date > as_of)
        and not exists (
            select from operations.trade_releases as decided
            where decided.trade_id = held.trade_id and decided.version = held.version and decided.business_date <= as_of
        )
        and (counted.version is null or (held.version = 1 and counted.event_type <> 'CANCEL'))
$$;
create view operations.held_trade_events as select * from operations.trade_events_held('infinity');

-- A decision is made on an event that waits, and by somebody else than its trader or whoever corrected its row.
create function operations.refuse_trade_release() returns trigger
    language plpgsql as $$
declare known_as text;
begin
    if not exists (
        select from operations.held_trade_events as held where held.trade_id = new.trade_id and held.version = new.version
    ) then
        raise exception 'version % of the trade % waits for no release', new.version, new.trade_id
            using errcode = 'check_violation', hint = 'List what waits: ./posttrade trades held.';
    end if;
    select names.known_as into known_as
    from (
        select versions.trader_id as known_as from books.trade_versions as versions where versions.trade_id = new.trade_id
        union
        select traders.name from books.traders as traders
        inner join books.trade_versions as versions on traders.trader_id = versions.trader_id
        where versions.trade_id = new.trade_id
        union
        select resolutions.resolved_by from operations.exception_resolutions as resolutions
        inner join books.trade_versions as versions on resolutions.file_id = versions.file_id
        where versions.trade_id = new.trade_id and versions.version = new.version
    ) as names
    where lower(btrim(names.known_as)) = lower(btrim(new.decided_by));
    if found then
        raise exception 'the trade % comes from %; a second person must decide on it', new.trade_id, known_as
            using errcode = 'check_violation', hint = 'Ask a colleague to release or refuse it.';
    end if;
    return new;
end $$;
create trigger second_person before insert on operations.trade_releases
    for each row execute function operations.refuse_trade_release();

-- As before, and what is held or refused owes nothing: the last version that counts decides.
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
