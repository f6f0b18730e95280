-- A closed business date takes no more instructions, as it takes no more facts: a run that has looked whether the date is open, and is overtaken
-- by its close, is refused. Who instructs and who closes take the same lock.
create trigger lock_open_dates before insert on operations.settlement_instructions
    for each statement execute function books.lock_open_dates();
create trigger date_is_open after insert on operations.settlement_instructions referencing new table as new_rows
    for each statement execute function books.refuse_closed_date();
