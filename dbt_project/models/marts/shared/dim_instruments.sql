with instruments as (
    select
        instrument_id,
        isin,
        name,
        product_line,
        currency_code,
        market_mic,
        issuer_country_code,
        coupon_rate,
        coupon_frequency,
        day_count,
        issue_date,
        first_coupon_date,
        maturity_date,
        last_coupon_date,
        index_name,
        spread,
        rate_cap,
        rate_floor
    from {{ latest(ref('stg_books__instruments'), ['instrument_id']) }} as known
)

select * from instruments
