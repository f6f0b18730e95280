-- What currency forwards are valued by: outright rates for a pair and a value date, and discount factors of a currency.

create table books.forward_rates (
    notional_currency_code text not null, currency_code text not null, rate_date date not null, value_date date not null,
    rate numeric(28,12) not null check (rate > 0),            -- outright: units of currency_code for one of notional_currency_code
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (notional_currency_code, currency_code, rate_date, value_date, business_date, revision),
    check (value_date > rate_date), check (notional_currency_code <> currency_code)
);
create index on books.forward_rates (business_date);

create table books.discount_factors (
    currency_code text not null, factor_date date not null, value_date date not null,
    factor numeric(28,12) not null check (factor > 0),        -- worth on factor_date of one unit paid on value_date
    business_date date not null, revision integer not null, content_sha text not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp(),
    primary key (currency_code, factor_date, value_date, business_date, revision),
    check (value_date > factor_date)
);
create index on books.discount_factors (business_date);

do $$
declare t text;
begin
    foreach t in array array['forward_rates', 'discount_factors'] loop
        execute format('create trigger append_only before update or delete on books.%I for each statement execute function operations.refuse_change()', t);
        execute format('create trigger no_truncate before truncate on books.%I for each statement execute function operations.refuse_change()', t);
        execute format('create trigger lock_open_dates before insert on books.%I for each statement execute function books.lock_open_dates()', t);
        execute format('create trigger date_is_open after insert on books.%I referencing new table as new_rows for each statement execute function books.refuse_closed_date()', t);
    end loop;
end $$;

alter table books.product_lines
    add column exchanges_at_maturity boolean;      -- a trade is worth its fair value until its date; null in rows published before: no
