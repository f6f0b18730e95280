select
    instrument_id,
    terms_sha,
    accrual_date,
    accrued_percent,
    known_at
from {{ source('books', 'bond_accruals') }}
