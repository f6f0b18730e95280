select
    trade_id,
    version,
    decision,
    decided_by,
    reason,
    business_date,
    known_at
from {{ source('operations', 'trade_releases') }}
