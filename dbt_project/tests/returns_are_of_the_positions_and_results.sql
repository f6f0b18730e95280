-- Value and gain of every book, read from positions and results; and each day follows from the day before.
with values_held as (
    select
        business_date,
        book_id,
        sum(market_value_amount_base + accrued_interest_amount_base) as value_base
    from {{ ref('fct_positions') }}
    group by business_date, book_id
),

results as (
    select
        business_date,
        book_id,
        sum(total_amount_base) as total_base
    from {{ ref('fct_profit_and_loss') }}
    where instrument_id not like 'CASH:%'
    group by business_date, book_id
),

returns as (
    select
        returns.*,
        lag(closing_value_amount_base, 1, 0::numeric) over (partition by book_id order by business_date) as value_before,
        lag(unit_price_linked, 1, 100::numeric) over (partition by book_id order by business_date) as unit_price_before
    from {{ ref('rpt_book_returns') }} as returns
)

select returns.*
from returns
left join values_held on returns.business_date = values_held.business_date and returns.book_id = values_held.book_id
left join results on returns.business_date = results.business_date and returns.book_id = results.book_id
where
    returns.closing_value_amount_base <> coalesce(values_held.value_base, 0)
    or returns.gain_amount_base <> coalesce(results.total_base, 0)
    or returns.opening_value_amount_base <> returns.value_before
    or returns.unit_price <> round(returns.unit_price_linked, 12)
    or (
        returns.unit_price_before > 0
        and abs(
            returns.unit_price_linked * case when returns.capital_amount_base > 0 then returns.capital_amount_base else 1 end
            - returns.unit_price_before
            * case when returns.capital_amount_base > 0 then greatest(returns.capital_amount_base + returns.gain_amount_base, 0) else 1 end
        ) > 0.0000000000000001
    )
