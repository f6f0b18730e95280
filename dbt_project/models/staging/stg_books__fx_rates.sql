select
    currency_code,
    base_currency_code,
    rate_date,
    rate,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'fx_rates') }}
