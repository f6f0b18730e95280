select
    firm_id,
    name,
    lei,
    base_currency_code,
    home_calendar,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'firms') }}
