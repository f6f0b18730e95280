select
    product_line,
    valid_from,
    name,
    price_divisor,
    accrues_interest,
    known_at
from {{ source('books', 'product_lines') }}
