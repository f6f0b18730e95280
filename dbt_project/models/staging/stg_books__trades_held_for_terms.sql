select
    trade_id,
    version,
    instrument_id,
    reason,
    business_date,
    found_date
from {{ source('books', 'trades_held_for_terms') }}
