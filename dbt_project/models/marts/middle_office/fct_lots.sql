-- Under average cost a position is one lot.
with lots as (
    select
        business_date,
        book_id,
        account_id,
        instrument_id,
        'AVERAGE'::text as lot_id,
        quantity as open_quantity,
        cost_amount,
        cost_amount_base,
        realised_to_date_amount,
        realised_to_date_amount_base
    from {{ ref('int_positions__costs_averaged') }}
    where
        business_date = {{ business_date() }}
        and quantity <> 0
)

select * from lots
