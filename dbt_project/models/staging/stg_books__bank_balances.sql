select
    cash_account_id,
    statement_date,
    closing_balance_amount,
    currency_code,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'bank_balances') }}
