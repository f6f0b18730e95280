select
    notional_currency_code,
    currency_code,
    rate_date,
    value_date,
    rate,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'forward_rates') }}
