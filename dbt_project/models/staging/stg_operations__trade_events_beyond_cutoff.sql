select
    trade_id,
    version,
    business_date,
    released_date
from {{ source('operations', 'trade_events_beyond_cutoff') }}
