select
    payment_id,
    decision,
    checker,
    note,
    business_date,
    known_at
from {{ source('operations', 'payment_decisions') }}
