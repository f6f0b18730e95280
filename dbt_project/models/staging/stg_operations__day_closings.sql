select
    business_date,
    known_at
from {{ source('operations', 'day_closings') }}
