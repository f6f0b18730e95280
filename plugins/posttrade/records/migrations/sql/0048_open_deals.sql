-- Deals that run until they are terminated, at a rate that is agreed anew from time to time.

create table books.open_deal_terms (
    instrument_id text not null, valid_from date not null,
    deal_state text not null,                      -- RUNNING at this rate; TERMINATED: paid back on the day; WITHDRAWN: the rate or end that was told of the day does not hold
    rate numeric(12,8),                            -- percent a year, of a running deal
    told_of text not null,                         -- RATE or END: a day may have both
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (instrument_id, valid_from, told_of, business_date, revision)
);
create trigger append_only before update or delete on books.open_deal_terms
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on books.open_deal_terms
    for each statement execute function operations.refuse_change();
create trigger lock_open_dates before insert on books.open_deal_terms
    for each statement execute function books.lock_open_dates();
create trigger date_is_open after insert on books.open_deal_terms referencing new table as new_rows
    for each statement execute function books.refuse_closed_date();
