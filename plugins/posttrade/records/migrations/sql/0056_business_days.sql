-- The business days are published from the home calendar, and the calendar may be told otherwise: a session added, a closure, another
-- home calendar. What the books of a date were made by stays: the days up to the last closed date, and the open date once its books are
-- begun. The days after that follow the calendar, but for those that have facts already.

create index on landing.files (business_date);

-- Dates that something was done for, but for reference data, which is recorded before it is known whether a date is a business day.
create view operations.business_dates_begun as
select files.business_date from landing.files as files
where files.outcome = 'RECORDED' and files.row_count > 0 and files.kind not in (
    'firms', 'desks', 'books', 'traders', 'clients', 'counterparties', 'accounts', 'lot_methods', 'cash_accounts', 'standing_instructions',
    'withholding_rates', 'instruments'
)
union
select business_date from operations.trade_releases
union
select business_date from operations.payment_releases
union
select business_date from operations.book_states;

-- The date up to which the business days stay as they are; null before the firm has begun. Books begun on another day than the last closed
-- one are no reason to keep them: they cannot be closed, and are made anew.
create function books.business_days_kept_until() returns date
    language sql stable
    set search_path = pg_catalog as $$
    select greatest(closed.last_date, (
        select max(states.business_date)
        from operations.book_states as states
        inner join books.business_days as days on states.business_date = days.business_date
        where states.business_date > coalesce(closed.last_date, '-infinity')
            and (closed.last_date is null or days.previous_business_date = closed.last_date)
    ))
    from (select max(closings.business_date) as last_date from operations.day_closings as closings) as closed
$$;

create function books.refuse_change_of_begun_dates() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
declare
    last_closed date := (select max(closings.business_date) from operations.day_closings as closings);
    kept_until date := books.business_days_kept_until();
    kept date;
begin
    if tg_op = 'INSERT' then
        -- further back than the first day known there are no books
        select min(changed.business_date) into kept
        from changed
        where changed.business_date <= kept_until and exists (
            select from books.business_days as days
            where days.business_date < changed.business_date and days.business_date not in (select one.business_date from changed as one)
        );
    else
        -- by the rows as they were: what has been changed already would look as if its books carried on from the last closed date
        select min(changed.business_date) into kept
        from changed
        where changed.business_date <= coalesce(last_closed, kept_until)
            or (changed.previous_business_date = last_closed and changed.business_date in (
                select states.business_date from operations.book_states as states))
            or (tg_op = 'DELETE' and changed.business_date in (
                select begun.business_date from operations.business_dates_begun as begun));
    end if;
    if kept is not null then
        raise exception 'the business day % cannot be changed: there are books or facts that go by the days as they were', kept
            using errcode = 'check_violation', hint = 'Publish the calendar: it changes the days that are free.';
    end if;
    return null;
end $$;
drop trigger append_only on books.business_days;
create trigger begun_dates_stay after insert on books.business_days referencing new table as changed
    for each statement execute function books.refuse_change_of_begun_dates();
create trigger begun_dates_stay_as_they_are after update on books.business_days referencing old table as changed
    for each statement execute function books.refuse_change_of_begun_dates();
create trigger begun_dates_are_not_dropped after delete on books.business_days referencing old table as changed
    for each statement execute function books.refuse_change_of_begun_dates();

-- No closed date is left out of the books of the next one: they carry on from the last.
create function operations.refuse_gap_between_closings() returns trigger
    language plpgsql security definer set search_path = pg_catalog as $$
declare
    last_closed date := (select max(closings.business_date) from operations.day_closings as closings
        where closings.business_date <> new.business_date);
    carried_from date := (select days.previous_business_date from books.business_days as days where days.business_date = new.business_date);
begin
    if carried_from <> last_closed then
        raise exception 'the business date % cannot be closed: its books carry on from %, and the last closed date is %',
            new.business_date, carried_from, last_closed
            using errcode = 'check_violation',
            hint = 'Clear open_business_date and what follows it, so that the days are published and its books made anew.';
    end if;
    return null;
end $$;
create trigger carries_on_from_the_last after insert on operations.day_closings
    for each row execute function operations.refuse_gap_between_closings();
