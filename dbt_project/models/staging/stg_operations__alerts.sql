select
    alert_id,
    control_id,
    severity,
    owner,
    cause_key,
    message,
    keys,
    business_date,
    known_at
from {{ source('operations', 'alerts') }}
