select
    event_id,
    instrument_id,
    event_type,
    event_status,
    ex_date,
    record_date,
    pay_date,
    amount_per_unit,
    currency_code,
    new_units,
    old_units,
    business_date,
    revision,
    file_id,
    line_no,
    known_at
from {{ source('books', 'corporate_actions') }}
