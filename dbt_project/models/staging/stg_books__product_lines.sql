select
    product_line,
    valid_from,
    name,
    price_divisor,
    accrues_interest,
    stale_after_business_days,
    outlier_move,
    lot_method,
    known_at
from {{ source('books', 'product_lines') }}
