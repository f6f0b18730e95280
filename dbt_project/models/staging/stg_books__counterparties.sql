select
    counterparty_id,
    name,
    lei,
    bic,
    role,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'counterparties') }}
