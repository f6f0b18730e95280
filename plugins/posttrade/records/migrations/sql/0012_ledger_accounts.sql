create table books.ledger_accounts (               -- published from procedures/chart_of_accounts.yaml; the highest revision wins
    gl_account text not null, revision integer not null, name text not null,
    account_type text not null check (account_type in ('ASSET', 'LIABILITY', 'EQUITY', 'INCOME', 'EXPENSE')),
    is_monetary boolean not null,                  -- held per book and currency and valued at the closing rate
    known_at timestamptz not null default clock_timestamp(),
    primary key (gl_account, revision)
);
create trigger append_only before update or delete on books.ledger_accounts
    for each statement execute function operations.refuse_change();
create trigger no_truncate before truncate on books.ledger_accounts
    for each statement execute function operations.refuse_change();
