-- Exercises and assignments told as a number of units, of one book and account.

alter table books.corporate_actions
    add column book_id text,                       -- an exercise: the book whose holding in account_id is exercised; null: every book's
    add column exercised_quantity numeric(28,10);  -- an exercise: so many units of the holding; null: redeemed_fraction of it, or all
alter table books.corporate_actions
    add check (
        book_id is null or (account_id is not null and event_type in ('OPTION_EXERCISE', 'CASH_EXERCISE', 'RIGHTS_EXERCISE'))
    ),
    add check (exercised_quantity is null or (exercised_quantity > 0 and book_id is not null and redeemed_fraction is null));
