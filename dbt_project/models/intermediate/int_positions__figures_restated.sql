{{ config(indexes=[{'columns': ['business_date', 'figure_date']}]) }}

-- Every figure that something learned today concerns, told in steps that telescope: a row for each step, with the value after it and what it
-- changed. The steps of a figure, in the order of step_no:
--   terms or rounding, trades by their id, corporate actions, price, exchange rate, income
-- Those of terms, price and rate are worked out for all figures, and left out where they change nothing.

with events as (
    select * from {{ ref('int_positions__events_learned') }} where business_date = {{ business_date() }}
),

figures as (
    select * from {{ ref('int_positions__figures_concerned') }} where business_date = {{ business_date() }}
),

market as (
    select
        known.*,
        instruments.price_divisor,
        instruments.contract_size,
        instruments.accrues_interest,
        instruments.settles_daily,
        instruments.exchanges_at_maturity
    from {{ ref('int_market__closed_dates_known') }} as known
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            known.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    where known.business_date = {{ business_date() }}
),

steps as (
    select
        figure_date,
        book_id,
        account_id,
        instrument_id,
        step,
        event_type,
        event_id,
        null::integer as event_version,
        quantity,
        gross_amount,
        gross_amount_base,
        paid_amount,
        paid_amount_base,
        agreed_amount
    from events
    union all
    select
        figures.figure_date,
        figures.book_id,
        figures.account_id,
        figures.instrument_id,
        added.step,
        added.event_type,
        case added.step
            when 0 then coalesce(market.fixing_id, figures.instrument_id)
            when 3 then market.price_id
            when 4 then market.rate_id
        end,
        case added.step when 0 then market.fixing_revision when 3 then market.price_revision when 4 then market.rate_revision end,
        0,
        0,
        0,
        0,
        0,
        0
    from figures
    inner join market on figures.figure_date = market.figure_date and figures.instrument_id = market.instrument_id
    cross join (values (0, 'TERMS'), (3, 'PRICE'), (4, 'FX_RATE')) as added (step, event_type)
),

in_order as (
    select
        steps.*,
        (row_number() over by_step)::integer as step_no,
        known.quantity as known_quantity,
        known.market_value as known_market_value,
        known.market_value_base as known_market_value_base,
        known.exposure as known_exposure,
        known.exposure_base as known_exposure_base,
        known.accrued as known_accrued,
        known.accrued_base as known_accrued_base,
        known.quantity + sum(steps.quantity) over by_step as quantity_after,
        sum(steps.gross_amount) over by_step as gross_since,
        known.agreed + sum(steps.agreed_amount) over by_step as agreed_after,
        market.exchanges_at_maturity,
        case when steps.step >= 3 then market.price_after else market.price_before end as price,
        case when steps.step >= 3 then market.discount_factor_after else market.discount_factor_before end as discount_factor,
        case when steps.step >= 4 then market.rate_after else market.rate_before end as rate,
        market.price_divisor,
        market.contract_size,
        market.accrues_interest,
        market.accrued_percent,
        market.settles_daily,
        market.currency_code,
        market.base_currency_code,
        market.rate_after as rate_of_date,
        market.minor_unit,
        market.base_minor_unit
    from steps
    inner join figures as known
        on
            steps.figure_date = known.figure_date
            and steps.book_id = known.book_id
            and steps.account_id = known.account_id
            and steps.instrument_id = known.instrument_id
    inner join market on steps.figure_date = market.figure_date and steps.instrument_id = market.instrument_id
    window by_step as (
        partition by steps.figure_date, steps.book_id, steps.account_id, steps.instrument_id
        order by steps.step, steps.event_id, steps.event_type
    )
),

valued as (
    select
        in_order.*,
        case
            -- a currency forward that nothing says anything of is worth nothing, and its notional what it was dealt at
            when exchanges_at_maturity and (price is null or discount_factor is null) then 0
            when price is null then known_market_value + gross_since
            else {{ round_money(
                fair_value('quantity_after', 'price * contract_size / price_divisor', 'agreed_after', 'discount_factor'), 'minor_unit'
            ) }}
        end as market_value,
        case
            when exchanges_at_maturity and price is null then case when quantity_after = 0 then 0 else agreed_after end
            when price is null then known_exposure + gross_since
            else {{ round_money('quantity_after * price * contract_size / price_divisor', 'minor_unit') }}
        end as exposure,
        case
            when not accrues_interest then 0
            when accrued_percent is null then known_accrued
            else {{ round_money('quantity_after * accrued_percent / 100', 'minor_unit') }}
        end as accrued
    from in_order
),

valued_in_base as (
    select
        valued.*,
        {{ round_money('market_value * rate', 'base_minor_unit') }} as market_value_base,
        {{ round_money('exposure * rate', 'base_minor_unit') }} as exposure_base,
        {{ round_money('accrued * rate', 'base_minor_unit') }} as accrued_base
    from valued
),

changes as (
    select
        valued_in_base.*,
        -- what it is of, from date to date; of a price or a rate every date has its own
        case when step in (1, 2, 5) then event_type || event_id end as cause,
        quantity_after - coalesce(lag(quantity_after) over by_step, known_quantity) as changed_quantity,
        market_value - coalesce(lag(market_value) over by_step, known_market_value) as changed_market_value,
        market_value_base - coalesce(lag(market_value_base) over by_step, known_market_value_base) as changed_market_value_base,
        exposure - coalesce(lag(exposure) over by_step, known_exposure) as changed_exposure,
        exposure_base - coalesce(lag(exposure_base) over by_step, known_exposure_base) as changed_exposure_base,
        accrued - coalesce(lag(accrued) over by_step, known_accrued) as changed_accrued,
        accrued_base - coalesce(lag(accrued_base) over by_step, known_accrued_base) as changed_accrued_base
    from valued_in_base
    window by_step as (
        partition by figure_date, book_id, account_id, instrument_id
        order by step_no
    )
),

-- What is paid every day was gained at the rate of each day: up to a date, the changes of the margin of every day, each at its own rate.
margins as (
    select
        changes.*,
        changed_market_value - gross_amount
            - coalesce(lag(changed_market_value - gross_amount) over by_date, 0) as margin_amount
    from changes
    window by_date as (
        partition by book_id, account_id, instrument_id, step, cause
        order by figure_date
    )
),

totals as (
    select
        margins.*,
        case
            when settles_daily
                then
                    sum({{ round_money('margin_amount * rate_of_date', 'base_minor_unit') }}) over (
                        partition by book_id, account_id, instrument_id, step, cause
                        order by figure_date
                    )
                    -- the fee of a trade
                    - (paid_amount_base - gross_amount_base)
            else changed_market_value_base + changed_accrued_base - paid_amount_base
        end as total_amount_base
    from margins
),

figures_restated as (
    select
        {{ business_date() }} as business_date,
        figure_date,
        book_id,
        account_id,
        instrument_id,
        step_no,
        step,
        event_type,
        event_id,
        event_version,
        currency_code,
        base_currency_code,
        base_minor_unit,
        settles_daily,
        rate_of_date,
        changed_quantity::numeric(28, 10) as changed_quantity,
        changed_market_value::numeric(24, 4) as changed_market_value,
        changed_market_value_base::numeric(24, 4) as changed_market_value_base,
        changed_exposure::numeric(24, 4) as changed_exposure,
        changed_exposure_base::numeric(24, 4) as changed_exposure_base,
        case when exchanges_at_maturity then agreed_amount end::numeric(24, 4) as changed_agreed,
        changed_accrued::numeric(24, 4) as changed_accrued,
        changed_accrued_base::numeric(24, 4) as changed_accrued_base,
        gross_amount::numeric(24, 4) as gross_amount,
        gross_amount_base::numeric(24, 4) as gross_amount_base,
        paid_amount::numeric(24, 4) as paid_amount,
        paid_amount_base::numeric(24, 4) as paid_amount_base,
        total_amount_base::numeric(24, 4) as total_amount_base,
        changed_quantity <> 0
        or changed_market_value <> 0
        or changed_market_value_base <> 0
        or changed_exposure <> 0
        or changed_exposure_base <> 0
        or agreed_amount <> 0
        or changed_accrued <> 0
        or changed_accrued_base <> 0
        or paid_amount <> 0
        or paid_amount_base <> 0
        or total_amount_base <> 0 as is_told
    from totals
)

select * from figures_restated
where is_told or step in (1, 2, 5)
