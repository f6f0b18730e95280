select
    currency_code,
    minor_unit,
    known_at
from {{ source('books', 'currencies') }}
