{{ config(indexes=[{'columns': ['business_date', 'instrument_id'], 'unique': true}]) }}

-- The outright forward rate and the discount factor by which each currency forward in the books is valued. From its value date on it stands at
-- the rate of that date, and nothing is discounted. Without a curve of today that reaches the value date, the last one that does is taken.

with concerned as (
    select distinct instrument_id
    from {{ ref('int_forwards__contracts') }}
    where business_date = {{ business_date() }} or business_date = {{ previous_business_date() }}
),

forwards as (
    select
        instruments.*,
        rates.base_currency_code
    from concerned
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            concerned.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            instruments.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
),

forwards_valued as (
    select
        {{ business_date() }} as business_date,
        forwards.instrument_id,
        forwards.currency_code,
        case
            when forwards.maturity_date <= {{ business_date() }} then {{ spot_rate('notional_spot.rate', 'spot.rate') }}
            else outright.rate
        end::numeric(28, 10) as forward_rate,
        case when forwards.maturity_date <= {{ business_date() }} then forwards.maturity_date else outright.rate_date end as rate_date,
        case when forwards.maturity_date <= {{ business_date() }} then 1 else discount.factor end::numeric(28, 12) as discount_factor,
        case
            when forwards.maturity_date <= {{ business_date() }} then forwards.maturity_date else discount.factor_date
        end as factor_date
    from forwards
    left join lateral {{ forward_rate_known('forwards', 'forwards.base_currency_code', business_date(), '<=') }} as outright on true
    left join lateral {{ discount_factor_known('forwards', business_date(), '<=') }} as discount on true
    left join lateral {{ rate_from('forwards.currency_code', 'forwards.maturity_date') }} as spot on true
    left join lateral {{ rate_from('forwards.notional_currency_code', 'forwards.maturity_date') }} as notional_spot on true
)

select * from forwards_valued
