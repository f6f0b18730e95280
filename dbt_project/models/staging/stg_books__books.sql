select
    book_id,
    name,
    desk_id,
    loss_limit_amount,
    position_limit_amount,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'books') }}
