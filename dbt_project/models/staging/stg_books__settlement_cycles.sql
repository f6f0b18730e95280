select
    market_mic,
    trade_date,
    settlement_date,
    known_at
from {{ source('books', 'settlement_cycles') }}
