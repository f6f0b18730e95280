-- A block beyond the posting cut-off is decided on as a whole: no part of it gets into the books, or stays out of them, alone.

-- As before, and whoever corrected a row of a block does not decide on its allocations either.
create or replace function operations.refuse_trade_release() returns trigger
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
        union
        select resolutions.resolved_by from operations.exception_resolutions as resolutions
        inner join books.trade_versions as blocks on resolutions.file_id = blocks.file_id
        inner join books.trade_versions as allocations on blocks.trade_id = allocations.block_trade_id
        where allocations.trade_id = new.trade_id and allocations.version = new.version
    ) as names
    where lower(btrim(names.known_as)) = lower(btrim(new.decided_by));
    if found then
        raise exception 'the trade % comes from %; a second person must decide on it', new.trade_id, known_as
            using errcode = 'check_violation', hint = 'Ask a colleague to release or refuse it.';
    end if;
    return new;
end $$;

-- Whoever decides: once an allocation is decided on, nothing of its block waits any more.
create function operations.refuse_part_of_release() returns trigger
    language plpgsql as $$
declare bad record;
begin
    if not exists (
        select from new_rows
        inner join books.trade_versions as decided on new_rows.trade_id = decided.trade_id and new_rows.version = decided.version
        where decided.block_trade_id is not null
    ) then
        return null;
    end if;
    select blocks.block_trade_id, held.trade_id into bad
    from (
        select distinct decided.block_trade_id from new_rows
        inner join books.trade_versions as decided on new_rows.trade_id = decided.trade_id and new_rows.version = decided.version
        where decided.block_trade_id is not null
    ) as blocks
    inner join operations.held_trade_events as held on exists (
        select from books.trade_versions as versions
        where versions.trade_id = held.trade_id and versions.version = held.version
            and blocks.block_trade_id in (versions.block_trade_id, versions.trade_id)
    )
    order by held.trade_id limit 1;
    if found then
        raise exception 'the block % is decided on as a whole, and % waits still', bad.block_trade_id, bad.trade_id
            using errcode = 'check_violation', hint = 'Release or refuse the block; ./posttrade trades held says which version of it.';
    end if;
    return null;
end $$;
create trigger decides_on_whole_blocks after insert on operations.trade_releases
    referencing new table as new_rows for each statement execute function operations.refuse_part_of_release();
