{{ config(materialized='table', unlogged=true, indexes=[{'columns': ['is_matched']}]) }}

-- The keys that were traded on a day that has so many trades that the lot kernel works them out, and what their trades closed; and the keys,
-- traded or held, that it left to the database. posttrade.offices.large_days fills this table between what it reads and what comes after
-- it, and puts the lots themselves into int_lots__matched. On other days the table stays empty, and all keys are matched in the database.
-- depends_on: {{ ref('int_lots__trades_streamed') }}
-- depends_on: {{ ref('int_lots__holdings_streamed') }}
-- depends_on: {{ ref('int_lots__instruments_streamed') }}
-- depends_on: {{ ref('int_lots__accounts_streamed') }}
-- depends_on: {{ ref('int_lots__keys_replayed') }}

select
    null::date as business_date,
    null::text as book_id,
    null::text as account_id,
    null::text as instrument_id,
    null::boolean as is_matched,
    null::books.lot_closing [] as closings
where false
