{{ config(indexes=[{'columns': ['business_date', 'figure_date']}]) }}

-- What is learned today of the claims of variation margin of closed dates, in foreign currencies: a row for each closed date, book, currency and
-- step, after what else is learned of the claims of the date (int_cash__claims_restated). The margin is a claim from the day it was gained on:
-- what is learned of it stands at the rate of the date, less the rates of the days it was gained on; and what a rate learned later makes of what
-- was learned of it before.

with margin_learned as (
    select
        figure_date,
        book_id,
        currency_code,
        step,
        'VARIATION_MARGIN' as event_type,
        event_id,
        null::integer as event_version,
        sum(changed_market_value - gross_amount) as claim_amount,
        {{ round_money('sum(changed_market_value - gross_amount) * rate_of_date', 'base_minor_unit') }} as claim_amount_base,
        sum(total_amount_base + paid_amount_base - gross_amount_base) as booked_amount_base
    from {{ ref('int_positions__figures_restated') }}
    where
        business_date = {{ business_date() }}
        and settles_daily
        and currency_code <> base_currency_code
    group by figure_date, book_id, currency_code, step, event_id, rate_of_date, base_minor_unit
),

learned_before as (
    {% if changes_learned() %}
        select
            figure_date,
            book_id,
            substr(instrument_id, length('CASH:') + 1) as currency_code,
            sum(exposure_amount) as claim_amount
        from {{ changes_learned() }} as learned
        where
            business_date < {{ business_date() }}
            and event_type = 'VARIATION_MARGIN'
        group by figure_date, book_id, instrument_id
    {% else %}
        select
            null::date as figure_date,
            ''::text as book_id,
            ''::text as currency_code,
            0::numeric as claim_amount
        where false
    {% endif %}
),

rates_restated as (
    select distinct
        figure_date,
        currency_code,
        rate_id,
        rate_revision,
        rate_before,
        rate_after,
        base_minor_unit
    from {{ ref('int_market__closed_dates_known') }}
    where
        business_date = {{ business_date() }}
        and rate_before <> rate_after
),

margin_claims as (
    select * from margin_learned
    union all
    select
        learned_before.figure_date,
        learned_before.book_id,
        learned_before.currency_code,
        4,
        'FX_RATE',
        rates.rate_id,
        rates.rate_revision,
        0,
        {{ round_money('learned_before.claim_amount * rates.rate_after', 'rates.base_minor_unit') }}
        - {{ round_money('learned_before.claim_amount * rates.rate_before', 'rates.base_minor_unit') }},
        0
    from learned_before
    inner join rates_restated as rates
        on learned_before.figure_date = rates.figure_date and learned_before.currency_code = rates.currency_code
),

other_claims as (
    select
        figure_date,
        book_id,
        currency_code,
        max(step_no) as step_no
    from {{ ref('int_cash__claims_restated') }}
    where business_date = {{ business_date() }}
    group by figure_date, book_id, currency_code
),

margin_claims_restated as (
    select
        {{ business_date() }} as business_date,
        margin_claims.figure_date,
        margin_claims.book_id,
        margin_claims.currency_code,
        margin_claims.step,
        margin_claims.event_type,
        margin_claims.event_id,
        margin_claims.event_version,
        margin_claims.claim_amount::numeric(24, 4) as claim_amount,
        margin_claims.claim_amount_base::numeric(24, 4) as claim_amount_base,
        margin_claims.booked_amount_base::numeric(24, 4) as booked_amount_base,
        (coalesce(other_claims.step_no, 0) + row_number() over by_step)::integer as step_no
    from margin_claims
    left join other_claims
        on
            margin_claims.figure_date = other_claims.figure_date
            and margin_claims.book_id = other_claims.book_id
            and margin_claims.currency_code = other_claims.currency_code
    where
        margin_claims.claim_amount <> 0
        or margin_claims.claim_amount_base <> 0
        or margin_claims.booked_amount_base <> 0
    window by_step as (
        partition by margin_claims.figure_date, margin_claims.book_id, margin_claims.currency_code
        order by margin_claims.step, margin_claims.event_id, margin_claims.event_type
    )
)

select * from margin_claims_restated
