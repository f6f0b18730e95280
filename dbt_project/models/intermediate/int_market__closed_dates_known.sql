{{ config(indexes=[{'columns': ['business_date', 'figure_date', 'instrument_id']}]) }}

-- The market of closed dates: price, discount factor, exchange rate and accrued interest of each instrument concerned, as known before today
-- and now. What never had a price has none; a currency without a rate stands at today's. The accrued interest is that of the terms known now.

with instruments as (
    select
        known.instrument_id,
        known.currency_code,
        known.market_mic,
        known.accrues_interest,
        known.fixed_price,
        known.exchanges_at_maturity,
        known.notional_currency_code,
        known.maturity_date,
        known.terms_sha,
        known.index_name,
        known.fixing_days,
        known.lookback_days,
        rates.rate as todays_rate,
        rates.base_currency_code,
        rates.minor_unit,
        rates.base_minor_unit
    from {{ ref('int_reference__instruments_known') }} as known
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            known.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    where known.business_date = {{ business_date() }}
),

dates as (
    select distinct
        figure_date,
        instrument_id
    from {{ ref('int_positions__figures_concerned') }}
    where business_date = {{ business_date() }}
),

closed_dates_known as (
    select
        {{ business_date() }} as business_date,
        dates.figure_date,
        instruments.instrument_id,
        instruments.currency_code,
        instruments.base_currency_code,
        instruments.minor_unit,
        instruments.base_minor_unit,
        {% for known in ['before', 'after'] %}
            case
                when not coalesce(instruments.exchanges_at_maturity, false) then coalesce(instruments.fixed_price, {{ known }}_prices.price)
                when instruments.maturity_date <= dates.figure_date then {{ spot_rate('notional_spot.rate', 'spot.rate') }}
                else {{ known }}_forwards.rate
            end::numeric(28, 10) as price_{{ known }},
            case when instruments.maturity_date <= dates.figure_date then 1 else {{ known }}_factors.factor end::numeric(28, 12)
                as discount_factor_{{ known }},
        {% endfor %}
        to_char(coalesce(after_forwards.rate_date, after_prices.price_date), 'YYYY-MM-DD') as price_id,
        coalesce(after_forwards.revision, after_prices.revision) as price_revision,
        {{ rate_before_and_after('instruments.currency_code', 'instruments.base_currency_code', 'instruments.todays_rate') }},
        fixings.fixing_id,
        fixings.revision as fixing_revision,
        accruals.accrued_percent
    from dates
    inner join instruments on dates.instrument_id = instruments.instrument_id
    left join {{ ref('stg_books__settlement_cycles') }} as cycles
        on instruments.market_mic = cycles.market_mic and dates.figure_date = cycles.trade_date
    left join {{ ref('stg_books__bond_accruals') }} as accruals
        on
            instruments.accrues_interest
            and instruments.instrument_id = accruals.instrument_id
            and instruments.terms_sha = accruals.terms_sha
            and cycles.settlement_date = accruals.accrual_date
    -- the fixing that came today of the period in which the interest of the date accrues; of those that are compounded, one that was corrected
    left join lateral (
        select
            known.index_name || ' ' || to_char(known.fixing_date, 'YYYY-MM-DD') as fixing_id,
            known.revision
        from {{ ref('stg_books__bond_coupons') }} as periods
        inner join {{ ref('stg_books__index_fixings') }} as known
            on
                known.index_name = instruments.index_name
                and known.business_date = {{ business_date() }}
                -- so many business days before it; where days are compounded, before one of them
                and known.fixing_date <= case
                    when instruments.lookback_days is null then periods.period_start_date - coalesce(instruments.fixing_days, 0)
                    else cycles.settlement_date - 1 - instruments.lookback_days
                end
                and known.fixing_date
                >= periods.period_start_date - 2 * coalesce(instruments.lookback_days, instruments.fixing_days, 0) - 7
        where
            periods.instrument_id = instruments.instrument_id
            and periods.terms_sha = instruments.terms_sha
            and periods.period_start_date <= cycles.settlement_date
            and cycles.settlement_date < periods.coupon_date
        order by
            instruments.lookback_days is not null
            and exists (
                select 1
                from {{ ref('stg_books__index_fixings') }} as earlier
                where
                    earlier.index_name = known.index_name
                    and earlier.fixing_date = known.fixing_date
                    and (earlier.business_date, earlier.revision) < (known.business_date, known.revision)
            ) desc,
            known.fixing_date desc,
            known.revision desc
        limit 1
    ) as fixings on true
    {% for known, limit in [('before', '<'), ('after', '<=')] %}
        left join lateral (
            select
                prices.price,
                prices.price_date,
                prices.revision
            from {{ ref('stg_books__prices') }} as prices
            where
                prices.instrument_id = instruments.instrument_id
                and not coalesce(instruments.exchanges_at_maturity, false)
                and prices.price_date <= dates.figure_date
                and prices.business_date {{ limit }} {{ business_date() }}
            order by prices.price_date desc, prices.business_date desc, prices.revision desc
            limit 1
        ) as {{ known }}_prices on true
        left join lateral {{ forward_rate_known(
            'instruments', 'instruments.base_currency_code', 'dates.figure_date', limit
        ) }} as {{ known }}_forwards on true
        left join lateral {{ discount_factor_known('instruments', 'dates.figure_date', limit) }} as {{ known }}_factors on true
    {% endfor %}
    {% for currency, name in [('currency_code', 'spot'), ('notional_currency_code', 'notional_spot')] %}
        left join lateral (
            select closing.rate
            from {{ rate_from('instruments.' ~ currency, 'instruments.maturity_date') }} as closing
            where instruments.exchanges_at_maturity
        ) as {{ name }} on true
    {% endfor %}
    {{ rates_known('instruments.currency_code', 'instruments.base_currency_code', 'dates.figure_date') }}
)

select * from closed_dates_known
