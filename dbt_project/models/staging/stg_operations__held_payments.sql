select
    payment_id,
    is_approved,
    entitled_amount,
    promised_amount
from {{ source('operations', 'held_payments') }}
