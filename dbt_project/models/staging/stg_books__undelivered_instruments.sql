select instrument_id
from {{ source('books', 'undelivered_instruments') }}
