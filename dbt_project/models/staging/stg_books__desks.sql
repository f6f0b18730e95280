select
    desk_id,
    name,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'desks') }}
