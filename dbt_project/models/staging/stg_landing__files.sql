select
    file_id,
    kind,
    source_system,
    file_name,
    sha256,
    byte_count,
    row_count,
    outcome,
    reason,
    business_date,
    known_at
from {{ source('landing', 'files') }}
