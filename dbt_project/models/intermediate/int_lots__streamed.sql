{{ config(materialized='table', unlogged=true) }}

-- The lots of each key that the kernel worked out, on a day that has so many trades that it was asked to: posttrade.offices.large_days
-- fills this table between what it reads and what comes after it. Without lots is a key that the kernel left to the database. On other days
-- the table stays empty, and all keys are matched in the database.
-- depends_on: {{ ref('int_lots__trades_streamed') }}
-- depends_on: {{ ref('int_lots__holdings_streamed') }}

select
    null::date as business_date,
    null::text as book_id,
    null::text as account_id,
    null::text as instrument_id,
    null::boolean as is_replayed,
    null::books.lot_book as lots
where false
