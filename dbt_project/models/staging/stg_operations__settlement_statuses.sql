select
    status_id,
    instruction_id,
    status,
    status_date,
    settled_quantity,
    settled_amount,
    reason_code,
    business_date,
    file_id,
    line_no,
    known_at
from {{ source('operations', 'settlement_statuses') }}
