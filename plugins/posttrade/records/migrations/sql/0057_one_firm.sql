-- An installation keeps the books of one firm, and those of closed dates stay in the currency they were kept in.
create function books.refuse_other_firm() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
declare
    told record;
begin
    select new_rows.firm_id, new_rows.base_currency_code, known.firm_id as known_firm_id, known.base_currency_code as known_currency_code
    into told
    from new_rows
    cross join lateral (
        select firms.firm_id, firms.base_currency_code
        from books.firms as firms
        where (firms.firm_id, firms.business_date, firms.revision) <> (new_rows.firm_id, new_rows.business_date, new_rows.revision)
        order by firms.business_date desc, firms.revision desc, firms.firm_id = new_rows.firm_id limit 1
    ) as known
    where known.firm_id <> new_rows.firm_id
        or (known.base_currency_code <> new_rows.base_currency_code and exists (select from operations.day_closings));
    if found then
        raise exception 'the firm % with books in % cannot be recorded: here are those of % in %',
            told.firm_id, told.base_currency_code, told.known_firm_id, told.known_currency_code
            using errcode = 'check_violation', hint = 'Another firm, or another base currency, needs an installation of its own.';
    end if;
    return null;
end $$;
create trigger one_firm after insert on books.firms referencing new table as new_rows
    for each statement execute function books.refuse_other_firm();
