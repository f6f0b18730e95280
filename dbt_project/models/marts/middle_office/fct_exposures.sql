with exposures as (
    select
        business_date,
        book_id,
        product_line,
        currency_code,
        sum(greatest(exposure_amount_base, 0))::numeric(24, 4) as long_amount_base,
        sum(least(exposure_amount_base, 0))::numeric(24, 4) as short_amount_base,
        sum(abs(exposure_amount_base))::numeric(24, 4) as gross_amount_base,
        sum(exposure_amount_base)::numeric(24, 4) as net_amount_base
    from {{ ref('fct_positions') }}
    where business_date = {{ business_date() }}
    group by business_date, book_id, product_line, currency_code
)

select * from exposures
