select
    trader_id,
    name,
    desk_id,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'traders') }}
