select
    cash_account_id,
    bank_id,
    currency_code,
    iban,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'cash_accounts') }}
