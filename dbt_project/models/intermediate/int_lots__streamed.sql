{{ config(materialized='table', unlogged=true) }}

-- The keys of a day that has so many trades that the lot kernel works them out, and what their trades closed. posttrade.offices.large_days
-- fills this table between what it reads and what comes after it, and puts the lots themselves into int_lots__matched. A key that is not
-- matched was left to the database. On other days the table stays empty, and all keys are matched in the database.
-- depends_on: {{ ref('int_lots__trades_streamed') }}
-- depends_on: {{ ref('int_lots__holdings_streamed') }}

select
    null::date as business_date,
    null::text as book_id,
    null::text as account_id,
    null::text as instrument_id,
    null::boolean as is_matched,
    null::books.lot_closing [] as closings
where false
