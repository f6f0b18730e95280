{{ config(materialized='view') }}

-- What the lot kernel reads of a large day: its trades, in any order. It looks up what holds for their instruments and accounts itself: once
-- for a key, where a join does it for every trade.

select
    book_id,
    account_id,
    instrument_id,
    trade_id,
    trade_date,
    executed_at,
    source_sequence,
    quantity,
    gross_amount + fee_amount as amount,
    gross_amount_base + fee_amount_base as amount_base,
    fx_rate
from {{ ref('int_trades__movements') }}
where
    business_date = {{ business_date() }}
    and exchanged_currency_code is null
