-- A closed business date takes no more journal entries or lines: were one of its causes stated otherwise since, by a fact or by a newer version of the rules,
-- the difference belongs to the open date. Who posts and who closes take the same lock as for facts.
create function ledger.refuse_closed_date() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
declare closed date;
begin
    select min(closings.business_date) into closed
    from operations.day_closings as closings
    where closings.business_date in (select new_rows.business_date from new_rows);
    if closed is not null then
        raise exception 'the journal of % is closed, and its books now ask for other entries than were posted', closed
            using errcode = 'check_violation',
                hint = 'Compare the date with ./posttrade changes; book what is right in the open date. What is closed stays as it was reported.';
    end if;
    return null;
end $$;
do $$
declare t text;
begin
    foreach t in array array['journal_entries', 'journal_lines'] loop
        execute format('create trigger lock_open_dates before insert on ledger.%I for each statement execute function books.lock_open_dates()', t);
        execute format('create trigger posting_date_open after insert on ledger.%I referencing new table as new_rows for each statement execute function ledger.refuse_closed_date()', t);
    end loop;
end $$;
