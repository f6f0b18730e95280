select
    account_id,
    valid_from,
    lot_method,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'lot_methods') }}
