select
    product_line,
    valid_from,
    name,
    price_divisor,
    accrues_interest,
    stale_after_business_days,
    outlier_move,
    known_at
from {{ source('books', 'product_lines') }}
