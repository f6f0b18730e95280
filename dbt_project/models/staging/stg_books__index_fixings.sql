select
    index_name,
    fixing_date,
    rate,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'index_fixings') }}
