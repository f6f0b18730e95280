-- What a book gained is what its value and its claims on cash changed by, apart from what it passed on to clients:
-- the components are told step by step, this looks at both ends only. Base currency.
with ends as (
    select
        business_date,
        book_id,
        sum(market_value_amount_base + accrued_interest_amount_base) as value_base
    from {{ ref('fct_positions') }}
    group by business_date, book_id
),

claims as (
    select
        business_date,
        book_id,
        sum(closing_amount_base) as claims_base
    from {{ ref('int_cash__flows_due') }}
    group by business_date, book_id
),

passed_on as (
    select
        business_date,
        book_id,
        sum(net_amount_base) as passed_on_base
    from {{ ref('fct_income') }}
    where client_id is not null
    group by business_date, book_id
),

results as (
    select
        business_date,
        book_id,
        sum(total_amount_base) as total_base
    from {{ ref('fct_profit_and_loss') }}
    group by business_date, book_id
),

both_ends as (
    select
        results.business_date,
        results.book_id,
        results.total_base,
        coalesce(ends.value_base, 0) + coalesce(claims.claims_base, 0) as wealth_base,
        coalesce(passed_on.passed_on_base, 0) as passed_on_base
    from results
    left join ends on results.business_date = ends.business_date and results.book_id = ends.book_id
    left join claims on results.business_date = claims.business_date and results.book_id = claims.book_id
    left join passed_on on results.business_date = passed_on.business_date and results.book_id = passed_on.book_id
),

compared as (
    select
        *,
        lag(wealth_base, 1, 0::numeric) over (partition by book_id order by business_date) as wealth_before_base
    from both_ends
)

select *
from compared
where total_base <> wealth_base - wealth_before_base + passed_on_base
