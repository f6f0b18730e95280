select
    movement_id,
    deal_instrument_id,
    book_id,
    account_id,
    instrument_id,
    movement_date,
    quantity,
    business_date,
    file_id,
    line_no,
    known_at
from {{ source('books', 'collateral_movements') }}
