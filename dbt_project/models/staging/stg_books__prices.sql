select
    instrument_id,
    price_date,
    price,
    currency_code,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'prices') }}
