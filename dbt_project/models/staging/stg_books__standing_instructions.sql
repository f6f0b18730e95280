select
    account_id,
    currency_code,
    place_of_settlement_bic,
    custody_account_number,
    cash_account_id,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'standing_instructions') }}
