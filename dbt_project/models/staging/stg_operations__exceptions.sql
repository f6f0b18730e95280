select
    exception_id,
    file_id,
    kind,
    source_system,
    file_name,
    line_no,
    reason_code,
    field,
    value,
    reason,
    remedy,
    raw,
    business_date,
    known_at
from {{ source('operations', 'exceptions') }}
