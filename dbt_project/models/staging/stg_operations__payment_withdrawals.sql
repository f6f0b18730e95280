select
    payment_id,
    withdrawn_by,
    note,
    business_date,
    known_at
from {{ source('operations', 'payment_withdrawals') }}
