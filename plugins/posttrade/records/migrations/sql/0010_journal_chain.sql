-- A posting run that writes entries seals them: a hash for each entry, one hash over those, and one over that and the seal before.
-- Whoever changes, adds or removes an entry or a line afterwards, with whatever rights, leaves a seal that no longer holds.

create table ledger.sealed_entries (               -- what each entry was when it was sealed
    business_date date not null, seal_no integer not null, entry_id uuid not null,
    line_count integer not null,
    entry_hash bytea not null,                     -- SHA-256 over the entry and its lines, see ledger.journal_parts
    primary key (business_date, seal_no, entry_id)
);
create table ledger.journal_seals (
    seal_no integer primary key check (seal_no >= 1),
    previous_seal_no integer generated always as (nullif(seal_no - 1, 0)) stored,
    business_date date not null,                   -- the date the run posted
    entry_count integer not null check (entry_count >= 1), line_count integer not null,
    entries_hash bytea not null,                   -- SHA-256 over the hashes of its entries, in the order of their ids
    previous_hash bytea,                           -- the seal_hash of the seal before; null in the first
    sealed_at timestamptz not null,
    seal_hash bytea not null,                      -- SHA-256 over all of the above, see ledger.seal_hash
    unique (seal_no, seal_hash),
    -- numbers without a gap, and each seal on top of the one before
    foreign key (previous_seal_no, previous_hash) references ledger.journal_seals (seal_no, seal_hash),
    check ((seal_no = 1) = (previous_hash is null))
);
create index on ledger.journal_seals (business_date);

-- The journal as text, one row for an entry itself, without a line_no, and one for each of its lines: everything they say.
-- The text must not depend on the session nor on a column's precision, and must stay what it is: seals of years are made from it.
create view ledger.journal_parts as
select
    entry_id, business_date, null::integer as line_no, null::text as book_id, xmin as written_by,
    row(
        entry_id, event_id, event_type, sequence_no, reverses_entry_id, content_sha,
        business_date - date '2000-01-01', trim_scale(extract(epoch from known_at))
    )::text as content
from ledger.journal_entries
union all
select
    entry_id, business_date, line_no, book_id, xmin,
    row(
        book_id, line_no, account_id, instrument_id, gl_account, currency_code, trim_scale(amount), trim_scale(amount_base),
        business_date - date '2000-01-01'
    )::text
from ledger.journal_lines;

create function ledger.seal_hash(seal ledger.journal_seals) returns bytea
    language sql stable parallel safe
    return sha256(convert_to(row(
        (seal).seal_no, (seal).business_date - date '2000-01-01', (seal).entry_count, (seal).line_count,
        encode((seal).entries_hash, 'hex'), encode((seal).previous_hash, 'hex'), trim_scale(extract(epoch from (seal).sealed_at))
    )::text, 'UTF8'));

-- Seal what a transaction has written for a date, all of it in one seal; null: whoever wrote it. Gives the number of entries.
-- The caller holds the posting lock, so that the last seal is the last.
create function ledger.seal_entries(of_date date, of_transaction xid) returns integer
    language plpgsql as $$
declare
    last_seal ledger.journal_seals;
    seal ledger.journal_seals;
begin
    select * into last_seal from ledger.journal_seals order by seal_no desc limit 1;
    seal.seal_no := coalesce(last_seal.seal_no, 0) + 1;
    seal.business_date := of_date;
    seal.previous_hash := last_seal.seal_hash;
    seal.sealed_at := clock_timestamp();
    with entries as (
        insert into ledger.sealed_entries (business_date, seal_no, entry_id, line_count, entry_hash)
        select
            of_date, seal.seal_no, entry_id, count(line_no),
            sha256(convert_to(string_agg(content, '' order by line_no nulls first, book_id collate "C"), 'UTF8'))
        from ledger.journal_parts
        where business_date = of_date and (of_transaction is null or written_by = of_transaction)
        group by entry_id
        returning entry_id, line_count, entry_hash
    )
    select count(*), coalesce(sum(line_count), 0), sha256(string_agg(uuid_send(entry_id) || entry_hash, ''::bytea order by entry_id))
    into seal.entry_count, seal.line_count, seal.entries_hash
    from entries;
    if seal.entry_count > 0 then
        insert into ledger.journal_seals (seal_no, business_date, entry_count, line_count, entries_hash, previous_hash, sealed_at, seal_hash)
        values (seal.seal_no, seal.business_date, seal.entry_count, seal.line_count, seal.entries_hash, seal.previous_hash,
            seal.sealed_at, ledger.seal_hash(seal));
    end if;
    return seal.entry_count;
end $$;

-- What no longer holds, of the entries and seals of these dates; no row when the journal is as it was sealed.
create function ledger.journal_faults(first_date date, last_date date)
returns table (fault text, seal_no integer, business_date date, entry_id uuid, lines_sealed integer, lines_found integer)
    language plpgsql stable as $$
begin
    return query
    with found as (
        select
            parts.entry_id, min(parts.business_date) as business_date, count(parts.line_no)::integer as line_count,
            sha256(convert_to(string_agg(parts.content, '' order by parts.line_no nulls first, parts.book_id collate "C"), 'UTF8')) as entry_hash
        from ledger.journal_parts as parts
        where parts.business_date between first_date and last_date
        group by parts.entry_id
    ),
    sealed as materialized (
        select * from ledger.sealed_entries as entries where entries.business_date between first_date and last_date
    ),
    sealed_together as (
        select
            sealed.seal_no, min(sealed.business_date) as business_date, count(*) as entry_count, sum(sealed.line_count) as line_count,
            sha256(string_agg(uuid_send(sealed.entry_id) || sealed.entry_hash, ''::bytea order by sealed.entry_id)) as entries_hash
        from sealed
        group by sealed.seal_no
    ),
    seals as (
        select chain.*
        from (
            select
                every_seal.*, ledger.seal_hash(every_seal) as hash_now,
                lag(every_seal.seal_no, 1, 0) over in_order as no_before, lag(every_seal.seal_hash) over in_order as hash_before
            from ledger.journal_seals as every_seal
            window in_order as (order by every_seal.seal_no)
        ) as chain
        where chain.business_date between first_date and last_date
    ),
    missing as (
        select generate_series(seals.no_before + 1, seals.seal_no - 1) as seal_no from seals
        union
        select sealed_together.seal_no from sealed_together
        where not exists (select from ledger.journal_seals as every_seal where every_seal.seal_no = sealed_together.seal_no)
    )
    select 'SEAL_MISSING', missing.seal_no, sealed_together.business_date, null::uuid, sealed_together.line_count::integer, null::integer
    from missing
    left join sealed_together on missing.seal_no = sealed_together.seal_no
    union all
    select 'SEAL_CHANGED', seals.seal_no, seals.business_date, null, null, null
    from seals
    where seals.seal_hash <> seals.hash_now
    union all
    select 'CHAIN_CUT', seals.seal_no, seals.business_date, null, null, null
    from seals
    where seals.no_before = seals.seal_no - 1 and seals.previous_hash is distinct from seals.hash_before
    union all
    select 'SEAL_CONTENT', seals.seal_no, seals.business_date, null, seals.line_count, coalesce(sealed_together.line_count, 0)::integer
    from seals
    left join sealed_together on seals.seal_no = sealed_together.seal_no
    where (seals.entry_count, seals.line_count, seals.entries_hash)
        is distinct from (sealed_together.entry_count, sealed_together.line_count, sealed_together.entries_hash)
    union all
    select
        case
            when found.entry_id is null then 'ENTRY_REMOVED'
            when sealed.entry_id is null then 'ENTRY_UNSEALED'
            else 'ENTRY_CHANGED'
        end,
        sealed.seal_no, coalesce(sealed.business_date, found.business_date), coalesce(sealed.entry_id, found.entry_id),
        sealed.line_count, found.line_count
    from sealed
    full join found on sealed.entry_id = found.entry_id
    where sealed.entry_hash is distinct from found.entry_hash;
end $$;

-- What was posted before there were seals: one seal for each date, made now.
do $$
declare posted_date date;
begin
    for posted_date in select distinct business_date from ledger.journal_entries order by business_date loop
        perform ledger.seal_entries(posted_date, null);
    end loop;
end $$;

do $$
declare name text;
begin
    foreach name in array array['sealed_entries', 'journal_seals'] loop
        execute format('create trigger append_only before update or delete on ledger.%I for each statement execute function operations.refuse_change()', name);
        execute format('create trigger no_truncate before truncate on ledger.%I for each statement execute function operations.refuse_change()', name);
    end loop;
end $$;
