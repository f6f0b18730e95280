select
    client_id,
    name,
    lei,
    country_code,
    iban,
    bic,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'clients') }}
