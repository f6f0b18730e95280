{{ config(indexes=[{'columns': ['business_date', 'figure_date', 'instrument_id']}]) }}

-- The figures of closed dates that something learned today may change, as they were known before it: those of the date's own evening, and what was
-- learned since. Prices, rates and terms that came today concern every position held in them on the dates they are of; where they change
-- nothing, they leave no row in rpt_what_changed.

with events as (
    select distinct
        figure_date,
        book_id,
        account_id,
        instrument_id
    from {{ ref('int_positions__events_learned') }}
    where business_date = {{ business_date() }}
),

instruments as (
    select * from {{ ref('int_reference__instruments_known') }} where business_date = {{ business_date() }}
),

-- From which date on the price of an instrument is another one, or may be.
instruments_repriced as (
    select
        prices.instrument_id,
        min(prices.price_date) as first_date
    from {{ ref('stg_books__prices') }} as prices
    where
        prices.business_date = {{ business_date() }}
        and prices.price_date < {{ business_date() }}
    group by prices.instrument_id
    union all
    -- an outright rate, a discount factor or, as both ends of the first days, a rate
    select
        instruments.instrument_id,
        min(quotes.quote_date)
    from instruments
    inner join (
        select
            notional_currency_code,
            currency_code,
            rate_date as quote_date
        from {{ ref('stg_books__forward_rates') }}
        where business_date = {{ business_date() }}
        union all
        select
            null,
            currency_code,
            factor_date
        from {{ ref('stg_books__discount_factors') }}
        where business_date = {{ business_date() }}
        union all
        select
            null,
            currency_code,
            rate_date
        from {{ ref('stg_books__fx_rates') }}
        where business_date = {{ business_date() }}
        union all
        select
            currency_code,
            null,
            rate_date
        from {{ ref('stg_books__fx_rates') }}
        where business_date = {{ business_date() }}
    ) as quotes
        on
            (quotes.currency_code = instruments.currency_code or quotes.currency_code is null)
            and (quotes.notional_currency_code = instruments.notional_currency_code or quotes.notional_currency_code is null)
    where
        instruments.exchanges_at_maturity
        and quotes.quote_date < {{ business_date() }}
    group by instruments.instrument_id
    union all
    -- a value date that was moved
    select
        instruments.instrument_id,
        '-infinity'::date
    from instruments
    inner join {{ ref('stg_books__instruments') }} as stated
        on
            instruments.instrument_id = stated.instrument_id
            and stated.business_date = {{ business_date() }}
    where instruments.exchanges_at_maturity
),

-- Bonds whose terms are others today: the closed dates on which another interest had accrued by them.
bonds_restated as (
    select
        instruments.instrument_id,
        closed.business_date as figure_date
    from instruments
    inner join {{ ref('int_reference__instruments_known') }} as formerly
        on
            instruments.instrument_id = formerly.instrument_id
            and formerly.business_date = {{ previous_business_date() }}
    inner join {{ ref('stg_books__settlement_cycles') }} as cycles on instruments.market_mic = cycles.market_mic
    inner join {{ ref('stg_operations__day_closings') }} as closed on cycles.trade_date = closed.business_date
    inner join {{ ref('stg_books__bond_accruals') }} as after_accruals
        on
            instruments.instrument_id = after_accruals.instrument_id
            and instruments.terms_sha = after_accruals.terms_sha
            and cycles.settlement_date = after_accruals.accrual_date
    left join {{ ref('stg_books__bond_accruals') }} as before_accruals
        on
            formerly.instrument_id = before_accruals.instrument_id
            and formerly.terms_sha = before_accruals.terms_sha
            and cycles.settlement_date = before_accruals.accrual_date
    where
        closed.business_date < {{ business_date() }}
        and instruments.accrues_interest
        and instruments.terms_sha <> formerly.terms_sha
        and before_accruals.accrued_percent is distinct from after_accruals.accrued_percent
),

currencies_restated as (
    {{ currencies_restated() }}
),

reported as not materialized (
    select
        positions.business_date as figure_date,
        positions.book_id,
        positions.account_id,
        positions.instrument_id,
        positions.traded_quantity as quantity,
        case when positions.agreed_amount is null then positions.exposure_amount else positions.market_value_amount end
            as market_value_amount,
        case when positions.agreed_amount is null then positions.exposure_amount_base else positions.market_value_amount_base end
            as market_value_amount_base,
        positions.exposure_amount,
        positions.exposure_amount_base,
        positions.agreed_amount,
        positions.accrued_interest_amount,
        positions.accrued_interest_amount_base
    from {{ ref('fct_positions') }} as positions
    where positions.business_date < {{ business_date() }}
    {% if changes_learned() %}
        union all
        select
            learned.figure_date,
            learned.book_id,
            learned.account_id,
            learned.instrument_id,
            learned.changed_quantity,
            case when learned.agreed_amount is null then learned.exposure_amount else learned.market_value_amount end,
            case when learned.agreed_amount is null then learned.exposure_amount_base else learned.market_value_amount_base end,
            learned.exposure_amount,
            learned.exposure_amount_base,
            learned.agreed_amount,
            learned.accrued_interest_amount,
            learned.accrued_interest_amount_base
        from {{ changes_learned() }} as learned
        where learned.business_date < {{ business_date() }}
    {% endif %}
),

figures as (
    select * from events
    union
    select
        reported.figure_date,
        reported.book_id,
        reported.account_id,
        reported.instrument_id
    from reported
    inner join instruments_repriced
        on reported.instrument_id = instruments_repriced.instrument_id and reported.figure_date >= instruments_repriced.first_date
    union
    select
        reported.figure_date,
        reported.book_id,
        reported.account_id,
        reported.instrument_id
    from reported
    inner join bonds_restated
        on reported.instrument_id = bonds_restated.instrument_id and reported.figure_date = bonds_restated.figure_date
    union
    select
        reported.figure_date,
        reported.book_id,
        reported.account_id,
        reported.instrument_id
    from currencies_restated
    inner join instruments on currencies_restated.currency_code = instruments.currency_code
    inner join reported
        on instruments.instrument_id = reported.instrument_id and reported.figure_date >= currencies_restated.first_date
),

figures_concerned as (
    select
        {{ business_date() }} as business_date,
        figures.figure_date,
        figures.book_id,
        figures.account_id,
        figures.instrument_id,
        coalesce(sum(reported.quantity), 0)::numeric(28, 10) as quantity,
        coalesce(sum(reported.market_value_amount), 0)::numeric(24, 4) as market_value,
        coalesce(sum(reported.market_value_amount_base), 0)::numeric(24, 4) as market_value_base,
        coalesce(sum(reported.exposure_amount), 0)::numeric(24, 4) as exposure,
        coalesce(sum(reported.exposure_amount_base), 0)::numeric(24, 4) as exposure_base,
        coalesce(sum(reported.agreed_amount), 0)::numeric(24, 4) as agreed,
        coalesce(sum(reported.accrued_interest_amount), 0)::numeric(24, 4) as accrued,
        coalesce(sum(reported.accrued_interest_amount_base), 0)::numeric(24, 4) as accrued_base
    from figures
    left join reported
        on
            figures.figure_date = reported.figure_date
            and figures.book_id = reported.book_id
            and figures.account_id = reported.account_id
            and figures.instrument_id = reported.instrument_id
    group by figures.figure_date, figures.book_id, figures.account_id, figures.instrument_id
)

select * from figures_concerned
