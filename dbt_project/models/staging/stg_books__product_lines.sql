select
    product_line,
    valid_from,
    name,
    price_divisor,
    accrues_interest,
    stale_after_business_days,
    outlier_move,
    lot_method,
    coalesce(settles_daily, false) as settles_daily,
    coalesce(is_delivered, true) as is_delivered,
    coalesce(exchanges_currencies, false) as exchanges_currencies,
    coalesce(exchanges_at_maturity, false) as exchanges_at_maturity,
    fixed_price,
    known_at
from {{ source('books', 'product_lines') }}
