select
    instrument_id,
    terms_sha,
    coupon_date,
    period_start_date,
    coalesce(ex_date, coupon_date) as ex_date,
    pay_date,
    coupon_percent,
    redemption_percent,
    known_at
from {{ source('books', 'bond_coupons') }}
