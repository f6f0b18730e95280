select
    payment_id,
    message_id,
    business_date,
    known_at
from {{ source('operations', 'payment_releases') }}
