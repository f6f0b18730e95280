select
    business_date,
    previous_business_date,
    next_business_date,
    known_at
from {{ source('books', 'business_days') }}
