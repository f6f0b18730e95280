-- Two roads to the result of a day: the ledger's income and expense accounts, and positions times prices.
with accounting as (
    select
        business_date,
        book_id,
        sum(day_amount_base) as amount_base
    from {{ ref('rpt_income_statement') }}
    group by business_date, book_id
),

management as (
    select
        business_date,
        book_id,
        sum(management_amount) as amount_base
    from {{ ref('rpt_profit_bridge') }}
    group by business_date, book_id
)

select
    coalesce(accounting.business_date, management.business_date) as business_date,
    coalesce(accounting.book_id, management.book_id) as book_id
from accounting
full join management on accounting.business_date = management.business_date and accounting.book_id = management.book_id
where coalesce(accounting.amount_base, 0) <> coalesce(management.amount_base, 0)
