-- Futures and options: their terms, and product lines whose gains are paid every day.

alter table books.instruments
    add column contract_size numeric(28,10),       -- units of the underlying, or currency for a point, in one contract; null: 1
    add column expiry_date date,                   -- the last day it is traded or exercised
    add column option_type text,                   -- CALL, PUT
    add column strike_price numeric(28,10),        -- for one unit of the underlying
    add column underlying_instrument_id text;
alter table books.product_lines
    add column settles_daily boolean,              -- gains and losses are paid as variation margin; null in rows published before: no
    add column is_delivered boolean;               -- trades settle by instruction; null in rows published before: yes

-- Instruments whose trades are neither instructed nor confirmed, by what is known now.
create view books.undelivered_instruments as
with instruments as (
    select distinct on (instrument_id) instrument_id, product_line
    from books.instruments
    order by instrument_id, business_date desc, revision desc
),
lines as (
    select distinct on (product_line) product_line, is_delivered
    from books.product_lines
    order by product_line, valid_from desc, known_at desc
)
select instruments.instrument_id
from instruments
inner join lines on instruments.product_line = lines.product_line
where not lines.is_delivered;

-- As before, and what is not delivered is not held.
create or replace view operations.obligations_held as
with kept_out as materialized (
    select beyond.trade_id, beyond.version from operations.trade_events_beyond_cutoff as beyond where beyond.released_date is null
),
last_versions as (
    select distinct on (versions.trade_id) versions.*
    from books.trade_versions as versions
    where not exists (select from kept_out where kept_out.trade_id = versions.trade_id and kept_out.version = versions.version)
    order by versions.trade_id, versions.version desc
),
standing_instructions as (
    select distinct account_id, currency_code from books.standing_instructions
)
select
    last_versions.trade_id, last_versions.version as trade_version, last_versions.book_id, last_versions.account_id,
    last_versions.currency_code, last_versions.counterparty_id, last_versions.business_date,
    case
        when last_versions.counterparty_id is null then 'COUNTERPARTY_MISSING'
        else 'STANDING_INSTRUCTION_MISSING'
    end as reason
from last_versions
left join standing_instructions
    on last_versions.account_id = standing_instructions.account_id
    and last_versions.currency_code = standing_instructions.currency_code
where last_versions.event_type <> 'CANCEL' and not last_versions.is_block
    and last_versions.instrument_id not in (select undelivered.instrument_id from books.undelivered_instruments as undelivered)
    and exists (
        select from books.trade_versions as originals
        where originals.trade_id = last_versions.trade_id and originals.version = 1
            and not exists (select from kept_out where kept_out.trade_id = originals.trade_id and kept_out.version = 1)
    )
    and not exists (
        select from operations.settlement_instructions as instructions
        where instructions.trade_id = last_versions.trade_id and instructions.trade_version = last_versions.version
    )
    and (last_versions.counterparty_id is null or standing_instructions.account_id is null);
