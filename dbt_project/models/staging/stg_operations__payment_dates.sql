select
    payment_id,
    revision,
    pay_date,
    business_date,
    known_at
from {{ source('operations', 'payment_dates') }}
