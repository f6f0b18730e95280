select
    book_id,
    entry_id,
    line_no,
    account_id,
    instrument_id,
    gl_account,
    currency_code,
    amount,
    amount_base,
    business_date
from {{ source('ledger', 'journal_lines') }}
