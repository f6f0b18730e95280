select
    exception_id,
    action,
    file_id,
    line_no,
    resolved_by,
    note,
    business_date,
    known_at
from {{ source('operations', 'exception_resolutions') }}
