{{ config(indexes=[{'columns': ['business_date', 'currency_code'], 'unique': true}]) }}

-- Units of the firm's base currency for one unit of each currency; the base currency itself stands at 1.

with firm as (
    -- there is one; it is as it was last told
    select base_currency_code
    from {{ ref('stg_books__firms') }}
    where business_date <= {{ business_date() }}
    order by business_date desc, revision desc
    limit 1
),

published as (
    select distinct on (rates.currency_code)
        rates.currency_code,
        rates.rate,
        rates.rate_date
    from {{ ref('stg_books__fx_rates') }} as rates
    inner join firm on rates.base_currency_code = firm.base_currency_code
    where
        rates.business_date = {{ business_date() }}
        and rates.rate_date <= {{ business_date() }}
    order by rates.currency_code, rates.rate_date desc, rates.revision desc
),

carried as (
    {% if is_incremental() %}
        select
            currency_code,
            rate,
            rate_date
        from {{ this }}
        where
            business_date = {{ previous_business_date() }}
            and currency_code <> (select firm.base_currency_code from firm)
    {% else %}
        select currency_code, rate, rate_date from published where false
    {% endif %}
),

base as (
    select
        base_currency_code as currency_code,
        1::numeric as rate,
        {{ business_date() }} as rate_date
    from firm
),

candidates as (
    select *, true as is_published_today from published
    union all
    select *, false from carried
    union all
    select *, true from base
),

closing_fx_rates as (
    select distinct on (candidates.currency_code)
        {{ business_date() }} as business_date,
        candidates.currency_code,
        firm.base_currency_code,
        candidates.rate,
        candidates.rate_date,
        currencies.minor_unit,
        base_currencies.minor_unit as base_minor_unit
    from candidates
    cross join firm
    inner join {{ ref('stg_books__currencies') }} as currencies
        on candidates.currency_code = currencies.currency_code
    inner join {{ ref('stg_books__currencies') }} as base_currencies
        on firm.base_currency_code = base_currencies.currency_code
    -- a correction of the rate carried replaces it
    order by candidates.currency_code, candidates.rate_date desc, candidates.is_published_today desc
)

select * from closing_fx_rates
