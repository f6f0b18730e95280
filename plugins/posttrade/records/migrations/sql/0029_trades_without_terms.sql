-- Trades that cannot be booked yet, because a term that their amounts follow from is unknown: the fixing of a period, terms of a bond that
-- contradict each other, the settlement cycle of a market. They stay out of the books until it is known; all others are booked.

create table books.trades_without_terms (          -- written where the terms of a date are prepared, once for each version
    trade_id text not null,
    version integer not null,
    instrument_id text not null,
    reason text not null,                          -- what is missing, and of when
    business_date date not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (trade_id, version)
);
create index on books.trades_without_terms (business_date);

create table books.trade_terms_found (             -- and when it became known
    trade_id text not null,
    version integer not null,
    business_date date not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (trade_id, version),
    foreign key (trade_id, version) references books.trades_without_terms (trade_id, version)
);
create index on books.trade_terms_found (business_date);

do $$
declare t text;
begin
    foreach t in array array['books.trades_without_terms', 'books.trade_terms_found'] loop
        execute format('create trigger append_only before update or delete on %s for each statement execute function operations.refuse_change()', t);
        execute format('create trigger no_truncate before truncate on %s for each statement execute function operations.refuse_change()', t);
        execute format('create trigger lock_open_dates before insert on %s for each statement execute function books.lock_open_dates()', t);
        execute format('create trigger date_is_open after insert on %s referencing new table as new_rows for each statement execute function books.refuse_closed_date()', t);
    end loop;
end $$;

create view books.trades_held_for_terms as
select held.trade_id, held.version, held.instrument_id, held.reason, held.business_date, found.business_date as found_date
from books.trades_without_terms as held
left join books.trade_terms_found as found on held.trade_id = found.trade_id and held.version = found.version;
