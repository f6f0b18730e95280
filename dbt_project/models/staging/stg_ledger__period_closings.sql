select
    period,
    closed_by,
    business_date,
    closed_at
from {{ source('ledger', 'period_closings') }}
