-- What of the management result an account of income or expense is bridged to; empty for any other.
alter table books.ledger_accounts
    add column result_component text check (result_component in ('trading', 'accrual', 'fx', 'income', 'fees'));
