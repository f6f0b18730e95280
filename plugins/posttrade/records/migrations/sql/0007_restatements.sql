-- Corporate actions that restate a position in new units.

alter table books.corporate_actions
    add column new_units numeric(28,10),   -- so many units after the event ...
    add column old_units numeric(28,10);   -- ... for so many before it
alter table books.corporate_actions
    alter column amount_per_unit drop not null,
    add check (event_type not in ('CASH_DIVIDEND', 'SPECIAL_DIVIDEND') or amount_per_unit > 0),
    add check (event_type not in ('SPLIT', 'REVERSE_SPLIT', 'STOCK_DIVIDEND') or num_nulls(new_units, old_units) = 0);

-- The factor of several events, one after the other.
create aggregate books.product(numeric) (sfunc = numeric_mul, stype = numeric, initcond = '1', parallel = safe);
