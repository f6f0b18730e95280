-- A closed business date takes no more trades, allocations, corporate actions, prices and rates. Who records holds a shared lock until it commits, who closes an exclusive one: what was
-- recorded before a close is seen by it, and what comes after is refused.

create function books.lock_open_dates() returns trigger
    language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(7405030);
    return null;
end $$;
create function books.refuse_closed_date() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
declare closed date;
begin
    select min(closings.business_date) into closed
    from operations.day_closings as closings
    where closings.business_date in (select new_rows.business_date from new_rows);
    if closed is not null then
        raise exception 'the business date % is closed; what is learned now belongs to the open date', closed
            using errcode = 'check_violation', hint = 'Run the task again: it records for the open date.';
    end if;
    return null;
end $$;

do $$
declare t text;
begin
    foreach t in array array['trade_versions', 'allocations', 'corporate_actions', 'prices', 'fx_rates'] loop
        execute format('create trigger lock_open_dates before insert on books.%I for each statement execute function books.lock_open_dates()', t);
        execute format('create trigger date_is_open after insert on books.%I referencing new table as new_rows for each statement execute function books.refuse_closed_date()', t);
    end loop;
end $$;
