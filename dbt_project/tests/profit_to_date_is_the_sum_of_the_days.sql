-- The sums carried from day to day are those of the days themselves, added up anew.
with sums as (
    select
        to_date.business_date,
        to_date.book_id,
        to_date.account_id,
        to_date.instrument_id,
        to_date.total_amount_base_mtd,
        to_date.total_amount_base_ytd,
        to_date.realised_amount_base_ytd,
        to_date.total_amount_mtd,
        to_date.total_amount_ytd,
        to_date.realised_amount_ytd,
        coalesce(
            sum(results.total_amount)
                filter (where date_trunc('month', results.business_date) = date_trunc('month', to_date.business_date)),
            0
        ) as month_local,
        coalesce(sum(results.total_amount), 0) as year_local,
        coalesce(sum(results.realised_amount), 0) as realised_local,
        coalesce(
            sum(results.total_amount_base)
                filter (where date_trunc('month', results.business_date) = date_trunc('month', to_date.business_date)),
            0
        ) as month_base,
        coalesce(sum(results.total_amount_base), 0) as year_base,
        coalesce(sum(results.realised_amount_base), 0) as realised_base
    from {{ ref('rpt_profit_to_date') }} as to_date
    left join {{ ref('fct_profit_and_loss') }} as results
        on
            to_date.book_id = results.book_id
            and to_date.account_id = results.account_id
            and to_date.instrument_id = results.instrument_id
            and results.business_date <= to_date.business_date
            and date_trunc('year', results.business_date) = date_trunc('year', to_date.business_date)
    group by
        to_date.business_date, to_date.book_id, to_date.account_id, to_date.instrument_id, to_date.total_amount_base_mtd,
        to_date.total_amount_base_ytd, to_date.realised_amount_base_ytd, to_date.total_amount_mtd, to_date.total_amount_ytd,
        to_date.realised_amount_ytd
),

missing as (
    select results.business_date, results.book_id, results.account_id, results.instrument_id
    from {{ ref('fct_profit_and_loss') }} as results
    left join {{ ref('rpt_profit_to_date') }} as to_date
        on
            results.business_date = to_date.business_date
            and results.book_id = to_date.book_id
            and results.account_id = to_date.account_id
            and results.instrument_id = to_date.instrument_id
    where to_date.book_id is null
)

select business_date, book_id, account_id, instrument_id
from sums
where
    total_amount_base_mtd <> month_base
    or total_amount_base_ytd <> year_base
    or realised_amount_base_ytd <> realised_base
    or total_amount_mtd <> month_local
    or total_amount_ytd <> year_local
    or realised_amount_ytd <> realised_local
union all
select business_date, book_id, account_id, instrument_id
from missing
