{{ config(indexes=[{'columns': ['business_date', 'instrument_id'], 'unique': true}]) }}

-- The price each instrument is valued at: today's close, else the one it was valued at yesterday.

with published as (
    select distinct on (instrument_id)
        instrument_id,
        price,
        price_date,
        currency_code
    from {{ ref('stg_books__prices') }}
    where
        business_date = {{ business_date() }}
        and price_date <= {{ business_date() }}
    order by instrument_id, price_date desc, revision desc
),

carried as (
    {% if is_incremental() %}
        select
            instrument_id,
            price,
            price_date,
            currency_code
        from {{ this }}
        where business_date = {{ previous_business_date() }}
    {% else %}
        select instrument_id, price, price_date, currency_code from published where false
    {% endif %}
),

candidates as (
    select *, true as is_published_today from published
    union all
    select *, false from carried
),

closing_prices as (
    select distinct on (instrument_id)
        {{ business_date() }} as business_date,
        instrument_id,
        price,
        price_date,
        currency_code,
        price_date < {{ business_date() }} as is_price_stale
    from candidates
    -- a correction of the price carried replaces it
    order by instrument_id, price_date desc, is_published_today desc
)

select * from closing_prices
