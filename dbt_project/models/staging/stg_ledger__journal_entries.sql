select
    entry_id,
    event_id,
    event_type,
    sequence_no,
    reverses_entry_id,
    business_date,
    known_at
from {{ source('ledger', 'journal_entries') }}
