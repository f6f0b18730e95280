select
    account_id,
    issuer_country_code,
    income_type,
    rate,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'withholding_rates') }}
