{{ config(indexes=[{'columns': ['business_date', 'book_id']}]) }}

with held as (
    select *
    from {{ ref('int_lots__matched') }}
    where
        business_date = {{ business_date() }}
        and quantity <> 0
),

lots as (
    select
        {{ business_date() }} as business_date,
        held.book_id,
        held.account_id,
        held.instrument_id,
        opened.lot_id,
        opened.opened_date,
        opened.quantity::numeric(28, 10) as open_quantity,
        opened.cost_amount::numeric(24, 4) as cost_amount,
        opened.cost_amount_base::numeric(24, 4) as cost_amount_base
    from held
    cross join lateral unnest(held.lot_ids, held.opened_dates, held.quantities, held.costs, held.costs_base)
        as opened (lot_id, opened_date, quantity, cost_amount, cost_amount_base)
)

select * from lots
