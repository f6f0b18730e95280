with product_lines as (
    select distinct on (product_line, valid_from)
        product_line,
        valid_from,
        name,
        price_divisor,
        accrues_interest,
        stale_after_business_days,
        outlier_move
    from {{ ref('stg_books__product_lines') }}
    order by product_line, valid_from, known_at desc
)

select * from product_lines
