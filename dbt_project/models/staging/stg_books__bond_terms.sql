select
    instrument_id,
    content_sha,
    business_date,
    revision,
    terms_sha,
    known_at
from {{ source('books', 'bond_terms') }}
