-- Coupon dates that no rule makes, listed one by one.

create table books.bond_coupon_dates (
    instrument_id text not null, coupon_date date not null,  -- unadjusted; the last is the maturity
    date_state text not null,                                -- LISTED, or WITHDRAWN: it is no coupon date
    coupon_percent numeric(12,8),                            -- of the nominal outstanding; null: by the rate of the bond
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (instrument_id, coupon_date, business_date, revision)
);
create trigger append_only before update or delete on books.bond_coupon_dates
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on books.bond_coupon_dates
    for each statement execute function operations.refuse_change();
create trigger lock_open_dates before insert on books.bond_coupon_dates
    for each statement execute function books.lock_open_dates();
create trigger date_is_open after insert on books.bond_coupon_dates referencing new table as new_rows
    for each statement execute function books.refuse_closed_date();
