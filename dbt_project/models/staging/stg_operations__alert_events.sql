select
    alert_id,
    event_no,
    event,
    actor,
    note,
    business_date,
    known_at
from {{ source('operations', 'alert_events') }}
