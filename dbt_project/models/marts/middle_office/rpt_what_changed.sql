{{ config(indexes=[{'columns': ['figure_date', 'book_id', 'instrument_id']}]) }}

-- What a business date learned about the dates closed before it, and what each trade, price, fixing or event changed in their figures.
-- The steps of a figure telescope, each from the value before it to the value after it, in the order of step_no:
--   terms or rounding, trades by their id, corporate actions, price, exchange rate, income
-- The value of a currency forward is its fair value: outright rate and discount factor are its price, and its exchange on the value date an event.
-- The claims that these leave stand as CASH:<currency>, with steps of their own.
-- A figure as known at a later date is that of its own evening plus the changes learned since.

with claims as (
    select
        figure_date,
        book_id,
        currency_code,
        step_no,
        event_type in ('LATE', 'AMENDMENT', 'CANCELLATION') as is_trade,
        event_type,
        event_id,
        event_version,
        claim_amount,
        claim_amount_base,
        booked_amount_base
    from {{ ref('int_cash__claims_restated') }}
    where business_date = {{ business_date() }}
    union all
    select
        figure_date,
        book_id,
        currency_code,
        step_no,
        step = 1,
        event_type,
        event_id,
        event_version,
        claim_amount,
        claim_amount_base,
        booked_amount_base
    from {{ ref('int_cash__margin_claims_restated') }}
    where business_date = {{ business_date() }}
),

learned as (
    select
        changes.figure_date,
        changes.book_id,
        changes.account_id,
        changes.instrument_id,
        changes.step_no,
        changes.step = 1 as is_trade,
        changes.event_type,
        changes.event_id,
        changes.event_version,
        changes.changed_quantity,
        changes.changed_market_value,
        changes.changed_market_value_base,
        changes.changed_exposure,
        changes.changed_exposure_base,
        changes.settles_daily,
        changes.changed_agreed,
        changes.changed_accrued,
        changes.changed_accrued_base,
        changes.paid_amount,
        changes.total_amount_base
    from {{ ref('int_positions__figures_restated') }} as changes
    where
        changes.business_date = {{ business_date() }}
        and changes.is_told
    union all
    select
        figure_date,
        book_id,
        '' as account_id,
        'CASH:' || currency_code as instrument_id,
        step_no,
        is_trade,
        event_type,
        event_id,
        event_version,
        0 as changed_quantity,
        claim_amount as changed_market_value,
        claim_amount_base as changed_market_value_base,
        claim_amount,
        claim_amount_base,
        false as settles_daily,
        null as changed_agreed,
        0 as changed_accrued,
        0 as changed_accrued_base,
        claim_amount as paid_amount,
        claim_amount_base - booked_amount_base as total_amount_base
    from claims
),

what_changed as (
    select
        {{ business_date() }} as business_date,
        learned.figure_date,
        learned.book_id,
        learned.account_id,
        learned.instrument_id,
        learned.step_no,
        learned.event_type,
        learned.event_id,
        -- of a trade the version that counts now
        coalesce(learned.event_version, trades.version) as event_version,
        learned.changed_quantity::numeric(28, 10) as changed_quantity,
        learned.changed_exposure::numeric(24, 4) as exposure_amount,
        learned.changed_exposure_base::numeric(24, 4) as exposure_amount_base,
        -- what is paid every day leaves no value behind
        case when learned.settles_daily then 0 else learned.changed_market_value end::numeric(24, 4) as market_value_amount,
        case when learned.settles_daily then 0 else learned.changed_market_value_base end::numeric(24, 4) as market_value_amount_base,
        learned.changed_accrued::numeric(24, 4) as accrued_interest_amount,
        learned.changed_accrued_base::numeric(24, 4) as accrued_interest_amount_base,
        (learned.changed_market_value + learned.changed_accrued - learned.paid_amount)::numeric(24, 4) as total_amount,
        learned.total_amount_base::numeric(24, 4) as total_amount_base,
        learned.changed_agreed::numeric(24, 4) as agreed_amount
    from learned
    left join {{ ref('fct_trades') }} as trades
        on
            learned.is_trade
            and learned.event_id = trades.trade_id
            and trades.business_date = {{ business_date() }}
)

select * from what_changed
