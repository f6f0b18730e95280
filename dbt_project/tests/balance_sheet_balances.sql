-- What a book has is what it owes and what it is worth, to the cent.
select
    business_date,
    book_id
from {{ ref('rpt_balance_sheet') }}
group by business_date, book_id
having sum(case account_type when 'ASSET' then amount_base else -amount_base end) <> 0
