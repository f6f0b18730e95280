select
    currency_code,
    notional_currency_code,
    trade_date,
    spot_date,
    known_at
from {{ source('books', 'spot_dates') }}
