{{ config(indexes=[{'columns': ['business_date', 'instrument_id'], 'unique': true}]) }}

-- The price each instrument is valued at: today's close, else the one it was valued at yesterday. What has no market stands at the price of its
-- product line, whatever is published; a currency forward at its outright rate.

with instruments_fixed as (
    select
        business_date,
        instrument_id,
        currency_code,
        fixed_price
    from {{ ref('int_reference__instruments_known') }}
    where
        business_date in ({{ business_date() }}, {{ previous_business_date() }})
        and fixed_price is not null
),

forwards as (
    select instrument_id
    from {{ ref('int_reference__instruments_known') }}
    where
        business_date = {{ business_date() }}
        and exchanges_at_maturity
),

published as (
    select distinct on (instrument_id)
        instrument_id,
        price,
        price_date,
        currency_code
    from {{ ref('stg_books__prices') }}
    where
        business_date = {{ business_date() }}
        and price_date <= {{ business_date() }}
        and instrument_id not in (select forwards.instrument_id from forwards)
    order by instrument_id, price_date desc, revision desc
),

carried as (
    {% if is_incremental() %}
        select
            instrument_id,
            price,
            price_date,
            currency_code
        from {{ this }} as former
        where
            former.business_date = {{ previous_business_date() }}
            and former.instrument_id not in (select forwards.instrument_id from forwards)
            and not exists (
                select 1 from instruments_fixed
                where
                    instruments_fixed.instrument_id = former.instrument_id
                    and instruments_fixed.business_date = former.business_date
            )
    {% else %}
        select instrument_id, price, price_date, currency_code from published where false
    {% endif %}
),

candidates as (
    select *, true as is_published_today, false as is_fixed from published
    union all
    select *, false, false from carried
    union all
    select
        instrument_id,
        fixed_price,
        business_date,
        currency_code,
        false,
        true
    from instruments_fixed
    where business_date = {{ business_date() }}
    union all
    select
        instrument_id,
        forward_rate,
        rate_date,
        currency_code,
        true,
        false
    from {{ ref('int_market__forwards') }}
    where
        business_date = {{ business_date() }}
        and forward_rate is not null
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
    order by instrument_id, is_fixed desc, price_date desc, is_published_today desc
)

select * from closing_prices
