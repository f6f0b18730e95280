select
    gl_account,
    revision,
    name,
    account_type,
    is_monetary,
    result_component,
    known_at
from {{ source('books', 'ledger_accounts') }}
