select
    account_id,
    name,
    client_id,
    custodian_id,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'accounts') }}
