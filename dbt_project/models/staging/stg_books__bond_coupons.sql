select
    instrument_id,
    terms_sha,
    coupon_date,
    period_start_date,
    pay_date,
    coupon_percent,
    redemption_percent,
    known_at,
    coalesce(ex_date, coupon_date) as ex_date
from {{ source('books', 'bond_coupons') }}
