-- Instruments whose trades are neither instructed nor confirmed, as before by what is known now, and by the procedure that is valid on the last
-- date whose books were begun: one that is published for a later date says nothing of what is instructed until then.
create or replace view books.undelivered_instruments as
with instruments as (
    select distinct on (instrument_id) instrument_id, product_line
    from books.instruments
    order by instrument_id, business_date desc, revision desc
),
lines as (
    select distinct on (product_line) product_line, is_delivered
    from books.product_lines
    where valid_from <= (select max(business_date) from operations.book_states)
    order by product_line, valid_from desc, known_at desc
)
select instruments.instrument_id
from instruments
inner join lines on instruments.product_line = lines.product_line
where not lines.is_delivered;
