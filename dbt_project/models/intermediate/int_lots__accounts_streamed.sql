{{ config(materialized='view') }}

-- Which lot method an account has chosen when, as a number for the lot kernel of a large day; null for one that it leaves to the database.

with {{ lot_methods() }}

select
    account_id,
    valid_from,
    valid_until,
    {{ lot_method_number('lot_method') }} as lot_method_number
from account_methods
order by account_id, valid_from
