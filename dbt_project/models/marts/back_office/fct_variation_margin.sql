{{ config(indexes=[{'columns': ['business_date']}]) }}

-- What a day's prices and trades brought to positions whose gains are paid every day: the change of their exposure beyond what was
-- traded. The fees of the day are paid with it.

with today as (
    select
        book_id,
        account_id,
        instrument_id,
        exposure_amount
    from {{ ref('fct_positions') }}
    where business_date = {{ business_date() }}
),

yesterday as (
    select
        book_id,
        account_id,
        instrument_id,
        exposure_amount
    from {{ ref('fct_positions') }}
    where business_date = {{ previous_business_date() }}
),

parts as (
    select
        book_id,
        account_id,
        instrument_id,
        exposure_amount as gained_amount,
        0::numeric as fee_amount,
        0::numeric as fee_amount_base
    from today
    union all
    select
        book_id,
        account_id,
        instrument_id,
        -exposure_amount,
        0,
        0
    from yesterday
    union all
    select
        book_id,
        account_id,
        instrument_id,
        -gross_amount,
        fee_amount,
        fee_amount_base
    from {{ ref('int_trades__movements') }}
    where business_date = {{ business_date() }}
    union all
    select
        book_id,
        account_id,
        instrument_id,
        value_amount,
        0,
        0
    from {{ ref('fct_corporate_actions') }}
    where business_date = {{ business_date() }}
),

variation_margin as (
    select
        {{ business_date() }} as business_date,
        parts.book_id,
        parts.account_id,
        parts.instrument_id,
        instruments.product_line,
        instruments.currency_code,
        days.next_business_date as pay_date,
        sum(parts.gained_amount)::numeric(24, 4) as margin_amount,
        {{ round_money('sum(parts.gained_amount) * rates.rate', 'rates.base_minor_unit') }}::numeric(24, 4) as margin_amount_base,
        sum(parts.fee_amount)::numeric(24, 4) as fee_amount,
        sum(parts.fee_amount_base)::numeric(24, 4) as fee_amount_base,
        (sum(parts.gained_amount) - sum(parts.fee_amount))::numeric(24, 4) as net_amount
    from parts
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            parts.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
            and instruments.settles_daily
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            instruments.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    inner join {{ ref('stg_books__business_days') }} as days on days.business_date = {{ business_date() }}
    group by
        parts.book_id, parts.account_id, parts.instrument_id, instruments.product_line, instruments.currency_code,
        days.next_business_date, rates.rate, rates.base_minor_unit
    having
        sum(parts.gained_amount) <> 0
        or sum(parts.fee_amount) <> 0
        or sum(parts.fee_amount_base) <> 0
)

select * from variation_margin
