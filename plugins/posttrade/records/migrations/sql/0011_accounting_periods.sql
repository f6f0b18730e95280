-- Accounting periods are months, the same for the whole firm. A closed one stays closed: there is no reopening, because what is
-- learned later is booked in the open date anyway.
create table ledger.period_closings (
    period text primary key check (period ~ '^\d{4}-(0[1-9]|1[0-2])$'),
    closed_by text not null check (btrim(closed_by) <> ''),
    business_date date not null,                   -- the open date when it was closed
    closed_at timestamptz not null default clock_timestamp()
);
create trigger append_only before update or delete on ledger.period_closings
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on ledger.period_closings
    for each statement execute function operations.refuse_change();

-- A period closes when every business date in it has closed, and after the period before it. The firm's first is that of its first
-- closed date. The calendar must be known beyond the month's end, else a business date could be missing from it.
create function ledger.refuse_early_closing() returns trigger
    language plpgsql as $$
declare
    first_closed date := (select min(business_date) from operations.day_closings);
    month_start timestamp := to_date(new.period, 'YYYY-MM');
    next_start timestamp := month_start + interval '1 month';
    open_period text;
    waiting date;
begin
    if first_closed is null or next_start <= first_closed then
        raise exception 'the firm has closed no business date in %', new.period
            using errcode = 'check_violation', hint = 'List the periods: ./posttrade periods list.';
    end if;
    select to_char(month, 'YYYY-MM') into open_period
    from generate_series(date_trunc('month', first_closed::timestamp), month_start - interval '1 month', interval '1 month') as month
    where not exists (select from ledger.period_closings as closings where closings.period = to_char(month, 'YYYY-MM'))
    order by month limit 1;
    if found then
        raise exception '% cannot be closed before %', new.period, open_period
            using errcode = 'check_violation', hint = format('Close %s first.', open_period);
    end if;
    select days.business_date into waiting
    from books.business_days as days
    where days.business_date >= greatest(month_start, first_closed) and days.business_date < next_start
        and not exists (select from operations.day_closings as closings where closings.business_date = days.business_date)
    order by days.business_date limit 1;
    if found or not exists (select from books.business_days as days where days.business_date >= next_start) then
        raise exception '% cannot be closed: its business date % is open', new.period, coalesce(waiting::text, 'after the last known one')
            using errcode = 'check_violation', hint = 'Close its business dates first, in order.';
    end if;
    return new;
end $$;
create trigger in_order before insert on ledger.period_closings
    for each row execute function ledger.refuse_early_closing();

-- Set-based, once per statement, for entries and for lines: a line could be added to an entry of long ago.
create function ledger.refuse_closed_period() returns trigger
    language plpgsql as $$
declare closed record;
begin
    select closings.period, closings.closed_by, closings.closed_at::date as closed_on, dates.business_date into closed
    from (select distinct business_date from new_rows) as dates
    inner join ledger.period_closings as closings on closings.period = to_char(dates.business_date, 'YYYY-MM')
    order by dates.business_date limit 1;
    if found then
        raise exception 'nothing can be booked on %: the period % was closed by % on %',
            closed.business_date, closed.period, closed.closed_by, closed.closed_on
            using errcode = 'check_violation', hint = 'Book the correction in the open date; what is closed stays as it was reported.';
    end if;
    return null;
end $$;
create trigger period_open after insert on ledger.journal_entries
    referencing new table as new_rows for each statement execute function ledger.refuse_closed_period();
create trigger period_open after insert on ledger.journal_lines
    referencing new table as new_rows for each statement execute function ledger.refuse_closed_period();
