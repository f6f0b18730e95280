-- Which facts of a business date its terms and books were made of: how many of each kind there were when they began to be made. Facts are only
-- ever added, so that another number is another set, and whatever came in afterwards is found at the close.

create table operations.book_states (
    state_id bigint generated always as identity primary key,
    business_date date not null,
    step text not null check (step in ('TERMS', 'BOOKS')),
    fact_counts jsonb not null,                    -- rows of the business date by table
    known_at timestamptz not null default clock_timestamp()
);
create index on operations.book_states (business_date, step);
create trigger append_only before update or delete on operations.book_states
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on operations.book_states
    for each statement execute function operations.refuse_change();

create index on books.prices (business_date);
create index on books.custodian_positions (business_date);

-- As for trades, allocations, corporate actions, prices and rates: a closed date takes no more of any fact.
do $$
declare t text;
begin
    foreach t in array array[
        'books.firms', 'books.desks', 'books.books', 'books.traders', 'books.clients', 'books.counterparties', 'books.accounts',
        'books.lot_methods', 'books.cash_accounts', 'books.standing_instructions', 'books.withholding_rates', 'books.instruments',
        'books.index_fixings', 'books.bond_repayments', 'books.custodian_positions', 'books.bank_balances', 'books.collateral_movements',
        'operations.settlement_statuses', 'operations.trade_releases', 'operations.payment_releases'
    ] loop
        execute format('create trigger lock_open_dates before insert on %s for each statement execute function books.lock_open_dates()', t);
        execute format('create trigger date_is_open after insert on %s referencing new table as new_rows for each statement execute function books.refuse_closed_date()', t);
    end loop;
end $$;
