select
    custodian_id,
    account_id,
    instrument_id,
    statement_date,
    settled_quantity,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'custodian_positions') }}
