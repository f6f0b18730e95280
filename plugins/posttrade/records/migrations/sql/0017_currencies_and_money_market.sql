-- Foreign exchange, deposits and repos: what is exchanged, what has no price of its own, and securities given as collateral.

alter table books.instruments
    add column notional_currency_code text;        -- of a currency pair: what quantity is an amount of; currency_code is what it is priced in
alter table books.product_lines
    add column exchanges_currencies boolean,       -- a trade exchanges two amounts and leaves no position; null in rows published before: no
    add column fixed_price numeric(28,10);         -- what every instrument of the line stands at; null: at its market price

create table books.collateral_movements (
    movement_id text primary key,
    deal_instrument_id text not null,              -- the repo that the collateral secures
    book_id text not null, account_id text not null, instrument_id text not null,
    movement_date date not null,
    quantity numeric(28,10) not null check (quantity <> 0), -- received positive, given negative; confirmed by the custodian
    content_sha text not null, business_date date not null, file_id text not null, line_no bigint not null,
    known_at timestamptz not null default clock_timestamp()
);
create index on books.collateral_movements (business_date);
create trigger append_only before update or delete on books.collateral_movements
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on books.collateral_movements
    for each statement execute function operations.refuse_change();
