select
    instruction_id,
    withdrawn_date
from {{ source('operations', 'instructions_withdrawn') }}
