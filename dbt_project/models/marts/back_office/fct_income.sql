{{ config(indexes=[{'columns': ['entitlement_id']}, {'columns': ['event_id']}, {'columns': ['pay_date']}]) }}

-- What each holding is entitled to, and what changed of it. The rows of an entitlement add up; its latest row says when it is paid, so a pay
-- date that is moved has a row of its own.

with events as (
    select * from {{ ref('int_income__events_gone_ex') }} where business_date = {{ business_date() }}
),

-- Holding at the close before the ex date: what stood in the books then, and what was booked or taken back since for trades
-- dated before the ex date.
holdings as (
    select
        events.event_id,
        positions.book_id,
        positions.account_id,
        positions.quantity
    from events
    inner join {{ ref('int_lots__matched') }} as positions
        on
            events.instrument_id = positions.instrument_id
            and events.cum_date = positions.business_date
    union all
    select
        events.event_id,
        movements.book_id,
        movements.account_id,
        -- in the units of the event
        movements.quantity
    from events
    inner join {{ ref('int_trades__movements') }} as movements
        on
            events.instrument_id = movements.instrument_id
            and movements.business_date > events.cum_date
            and movements.business_date <= {{ business_date() }}
            and movements.trade_date < events.ex_date
    union all
    -- what other events that went ex before this one changed since, late trades included
    select
        events.event_id,
        actions.book_id,
        actions.account_id,
        actions.quantity_change
    from events
    inner join {{ ref('fct_corporate_actions') }} as actions
        on
            events.instrument_id = actions.instrument_id
            and actions.business_date > events.cum_date
            and actions.business_date <= {{ business_date() }}
            and actions.ex_date < events.ex_date
    union all
    -- A bond that settles apart from the market's cycle is sold with or without the coupon by the day it settles, as its accrued
    -- interest is.
    select
        events.event_id,
        movements.book_id,
        movements.account_id,
        case when movements.settlement_date < events.ex_settlement_date then 1 else -1 end * movements.quantity
        * {{ retained_units('movements', 'terms.ex_date < events.ex_date') }} as quantity
    from events
    inner join {{ ref('int_trades__movements') }} as movements
        on
            events.instrument_id = movements.instrument_id
            and movements.business_date <= {{ business_date() }}
            and (movements.settlement_date < events.ex_settlement_date) <> (movements.trade_date < events.ex_date)
),

booked_before as (
    {% if is_incremental() %}
        select
            booked.event_id,
            booked.book_id,
            booked.account_id,
            sum(booked.entitled_quantity) as entitled_quantity,
            sum(booked.gross_amount) as gross_amount,
            sum(booked.withholding_amount) as withholding_amount,
            sum(booked.gross_amount_base) as gross_amount_base,
            sum(booked.withholding_amount_base) as withholding_amount_base,
            (array_agg(booked.pay_date order by booked.business_date desc))[1] as pay_date
        from {{ this }} as booked
        inner join events on booked.event_id = events.event_id
        where booked.business_date < {{ business_date() }}
        group by booked.event_id, booked.book_id, booked.account_id
    {% else %}
        select
            ''::text as event_id,
            ''::text as book_id,
            ''::text as account_id,
            0::numeric as entitled_quantity,
            0::numeric as gross_amount,
            0::numeric as withholding_amount,
            0::numeric as gross_amount_base,
            0::numeric as withholding_amount_base,
            null::date as pay_date
        where false
    {% endif %}
),

entitled as (
    select
        event_id,
        book_id,
        account_id,
        sum(quantity) as quantity
    from (
        select holdings.*
        from holdings
        inner join events
            on
                holdings.event_id = events.event_id
                and events.account_id in ('', holdings.account_id)
        union all
        select event_id, book_id, account_id, 0 from booked_before
    ) as parts
    group by event_id, book_id, account_id
),

accounts as (
    select * from {{ as_known(ref('stg_books__accounts'), ['account_id']) }} as known
),

withholding_rates as (
    select *
    from {{ as_known(ref('stg_books__withholding_rates'), ['account_id', 'issuer_country_code', 'income_type']) }} as known
),

due as (
    select
        entitled.event_id,
        entitled.book_id,
        entitled.account_id,
        entitled.quantity,
        events.income_type,
        events.instrument_id,
        events.ex_date,
        events.pay_date,
        accounts.client_id,
        instruments.product_line,
        instruments.currency_code,
        rates.rate as fx_rate,
        rates.minor_unit,
        rates.base_minor_unit,
        case when entitled.quantity > 0 and events.amount_per_unit > 0 then coalesce(withholding_rates.rate, 0) else 0 end as withholding_rate,
        {{ round_money('entitled.quantity * events.amount_per_unit', 'rates.minor_unit') }} as gross_amount
    from entitled
    inner join events on entitled.event_id = events.event_id
    inner join accounts on entitled.account_id = accounts.account_id
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            events.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            instruments.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    left join withholding_rates
        on
            entitled.account_id = withholding_rates.account_id
            and instruments.issuer_country_code = withholding_rates.issuer_country_code
            and events.income_type = withholding_rates.income_type
),

changes as (
    select
        due.*,
        due.quantity - coalesce(booked_before.entitled_quantity, 0) as entitled_quantity_change,
        due.gross_amount - coalesce(booked_before.gross_amount, 0) as gross_change,
        {{ round_money('due.gross_amount * due.withholding_rate', 'due.minor_unit') }}
        - coalesce(booked_before.withholding_amount, 0) as withholding_change,
        due.gross_amount = 0 as is_nothing_left,
        coalesce(booked_before.gross_amount_base, 0) as gross_booked_base,
        coalesce(booked_before.withholding_amount_base, 0) as withholding_booked_base,
        due.gross_amount <> 0 and due.pay_date <> booked_before.pay_date as is_pay_date_moved
    from due
    left join booked_before
        on
            due.event_id = booked_before.event_id
            and due.book_id = booked_before.book_id
            and due.account_id = booked_before.account_id
),

-- What is taken back as a whole goes at what it was booked at; what its currency has brought since is the claim's.
in_base as (
    select
        changes.*,
        case
            when is_nothing_left then -gross_booked_base
            else {{ round_money('gross_change * fx_rate', 'base_minor_unit') }}
        end as gross_change_base,
        case
            when is_nothing_left then -withholding_booked_base
            else {{ round_money('withholding_change * fx_rate', 'base_minor_unit') }}
        end as withholding_change_base
    from changes
),

income as (
    select
        {{ business_date() }} as business_date,
        md5(event_id || '|' || book_id || '|' || account_id) as entitlement_id,
        event_id,
        income_type,
        book_id,
        account_id,
        client_id,
        instrument_id,
        product_line,
        ex_date,
        pay_date,
        entitled_quantity_change::numeric(28, 10) as entitled_quantity,
        gross_change::numeric(24, 4) as gross_amount,
        withholding_change::numeric(24, 4) as withholding_amount,
        (gross_change - withholding_change)::numeric(24, 4) as net_amount,
        currency_code,
        gross_change_base::numeric(24, 4) as gross_amount_base,
        withholding_change_base::numeric(24, 4) as withholding_amount_base,
        (gross_change_base - withholding_change_base)::numeric(24, 4) as net_amount_base
    from in_base
    where gross_change <> 0 or withholding_change <> 0 or entitled_quantity_change <> 0 or is_pay_date_moved
)

select * from income
