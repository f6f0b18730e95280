select
    currency_code,
    factor_date,
    value_date,
    factor,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'discount_factors') }}
