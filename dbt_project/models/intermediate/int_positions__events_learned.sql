{{ config(indexes=[{'columns': ['business_date', 'figure_date']}]) }}

-- What was learned today of the positions of the dates closed before it: a row for each of these dates, position, and trade that came late, was
-- amended or cancelled, event or income that was learned, amended or moved. By `step` they are told: trades, events, and income after the market.

with figure_dates as (
    select business_date as figure_date
    from {{ ref('stg_operations__day_closings') }}
    where business_date < {{ business_date() }}
),

trades_corrected as (
    select
        figure_dates.figure_date,
        movements.book_id,
        movements.account_id,
        movements.instrument_id,
        1 as step,
        movements.movement_type as event_type,
        movements.trade_id as event_id,
        sum(sizes.quantity) as quantity,
        sum(sizes.gross_amount) as gross_amount,
        sum(sizes.gross_amount_base) as gross_amount_base,
        -- against the exposure, also where only the fee is paid
        sum(sizes.gross_amount + movements.accrued_amount + movements.fee_amount) as paid_amount,
        sum(sizes.gross_amount_base + movements.accrued_amount_base + movements.fee_amount_base) as paid_amount_base,
        coalesce(sum(movements.agreed_amount), 0) as agreed_amount
    from {{ ref('int_trades__movements') }} as movements
    inner join figure_dates on movements.trade_date <= figure_dates.figure_date
    -- an exchange of currencies is no position, and a currency forward is not paid for: of both, only the fee was paid for the instrument
    cross join lateral (
        select
            case when movements.exchanged_currency_code is null then movements.quantity else 0 end as quantity,
            case
                when movements.exchanged_currency_code is null and movements.agreed_amount is null then movements.gross_amount else 0
            end as gross_amount,
            case
                when movements.exchanged_currency_code is null and movements.agreed_amount is null then movements.gross_amount_base else 0
            end as gross_amount_base
    ) as sizes
    where
        movements.business_date = {{ business_date() }}
        -- those of the date itself concern no date before it
        and movements.movement_type <> 'NEW'
    group by
        figure_dates.figure_date,
        movements.book_id,
        movements.account_id,
        movements.instrument_id,
        movements.movement_type,
        movements.trade_id
),

-- What events that were announced, amended or withdrawn today, or met one of these trades, changed of earlier days.
events_corrected as (
    select
        figure_dates.figure_date,
        actions.book_id,
        actions.account_id,
        actions.instrument_id,
        2 as step,
        'CORPORATE_ACTION'::text as event_type,
        actions.event_id,
        sum(actions.quantity_change) as quantity,
        sum(actions.cost_moved_amount - actions.value_amount) as gross_amount,
        sum(actions.cost_moved_amount_base - actions.value_amount_base) as gross_amount_base,
        sum(actions.cost_moved_amount - actions.value_amount) as paid_amount,
        sum(actions.cost_moved_amount_base - actions.value_amount_base) as paid_amount_base,
        sum(actions.agreed_amount) as agreed_amount
    from (
        select
            event_id,
            book_id,
            account_id,
            instrument_id,
            ex_date,
            quantity_change,
            cost_moved_amount,
            cost_moved_amount_base,
            value_amount,
            value_amount_base,
            0 as agreed_amount
        from {{ ref('fct_corporate_actions') }}
        where business_date = {{ business_date() }}
        union all
        select
            'MAT:' || instrument_id,
            book_id,
            account_id,
            instrument_id,
            value_date,
            0,
            0,
            0,
            value_amount,
            value_amount_base,
            -agreed_amount
        from {{ ref('int_forwards__contracts') }}
        where
            business_date = {{ business_date() }}
            and contract_state <> 'OUTSTANDING'
    ) as actions
    inner join figure_dates on actions.ex_date <= figure_dates.figure_date
    group by
        figure_dates.figure_date,
        actions.book_id,
        actions.account_id,
        actions.instrument_id,
        actions.event_id
),

income_corrected as (
    select
        figure_dates.figure_date,
        income.book_id,
        income.account_id,
        income.instrument_id,
        5 as step,
        'INCOME'::text as event_type,
        income.event_id,
        0::numeric as quantity,
        0::numeric as gross_amount,
        0::numeric as gross_amount_base,
        -sum(income.net_amount) as paid_amount,
        -sum(income.net_amount_base) as paid_amount_base,
        0::numeric as agreed_amount
    from {{ ref('fct_income') }} as income
    inner join figure_dates on income.ex_date <= figure_dates.figure_date
    where income.business_date = {{ business_date() }}
    group by
        figure_dates.figure_date,
        income.book_id,
        income.account_id,
        income.instrument_id,
        income.event_id
),

events_learned as (
    select * from trades_corrected
    union all
    select * from events_corrected
    union all
    select * from income_corrected
)

select
    {{ business_date() }} as business_date,
    figure_date,
    book_id,
    account_id,
    instrument_id,
    step,
    event_type,
    event_id,
    quantity::numeric(28, 10) as quantity,
    gross_amount::numeric(24, 4) as gross_amount,
    gross_amount_base::numeric(24, 4) as gross_amount_base,
    paid_amount::numeric(24, 4) as paid_amount,
    paid_amount_base::numeric(24, 4) as paid_amount_base,
    agreed_amount::numeric(24, 4) as agreed_amount
from events_learned
