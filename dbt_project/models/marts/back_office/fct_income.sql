{{ config(indexes=[{'columns': ['entitlement_id']}, {'columns': ['event_id']}, {'columns': ['pay_date']}]) }}

-- What each holding is entitled to, and what changed of it. The rows of an entitlement add up. What was booked is taken back at the ex date it
-- was booked at, so an ex date that is moved has a row for either date; the latest row says when it is paid, so a pay date that is moved has
-- a row of its own. The custodian pays and taxes an account as a whole, rounded once; its books, in the order of their ids, share that: each has what
-- all up to it come to less what all before it do. A coupon of a bond that is paid back before it has parts: what is paid back of the holding
-- goes ex with that event, the rest with the coupon; they are one entitlement, with a row for each ex date, unless the account
-- is of another client by then: then they are one of either's.

with events as (
    select * from {{ ref('int_income__events_gone_ex') }} where business_date = {{ business_date() }}
),

-- Holding at the close before the ex date: what stood in the books then, and what was booked or taken back since for trades
-- dated before the ex date.
holdings as (
    select
        events.event_id,
        events.redemption_id,
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
        events.redemption_id,
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
        events.redemption_id,
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
        events.redemption_id,
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
            -- what is dealt after a part was paid back is none of it
            and (events.redemption_id = '' or movements.trade_date < events.ex_date)
),

booked_before as (
    {% if is_incremental() %}
        select
            booked.event_id,
            booked.entitlement_id,
            booked.book_id,
            booked.account_id,
            booked.ex_date,
            sum(booked.entitled_quantity) as entitled_quantity,
            sum(booked.gross_amount) as gross_amount,
            sum(booked.withholding_amount) as withholding_amount,
            sum(booked.gross_amount_base) as gross_amount_base,
            sum(booked.withholding_amount_base) as withholding_amount_base,
            (array_agg(booked.pay_date order by booked.business_date desc))[1] as pay_date,
            (array_agg(booked.client_id order by booked.business_date desc))[1] as client_id
        from {{ this }} as booked
        where
            booked.business_date < {{ business_date() }}
            and booked.event_id in (select events.event_id from events)
        group by booked.event_id, booked.entitlement_id, booked.book_id, booked.account_id, booked.ex_date
    {% else %}
        select
            ''::text as event_id,
            ''::text as entitlement_id,
            ''::text as book_id,
            ''::text as account_id,
            null::date as ex_date,
            0::numeric as entitled_quantity,
            0::numeric as gross_amount,
            0::numeric as withholding_amount,
            0::numeric as gross_amount_base,
            0::numeric as withholding_amount_base,
            null::date as pay_date,
            null::text as client_id
        where false
    {% endif %}
),

entitled as (
    select
        event_id,
        redemption_id,
        book_id,
        account_id,
        sum(quantity) as quantity,
        sum(sum(quantity)) over (partition by event_id, redemption_id, account_id) as account_quantity,
        sum(sum(quantity)) over (partition by event_id, redemption_id, account_id order by book_id collate "C") as cumulative_quantity
    from (
        select
            holdings.event_id,
            holdings.redemption_id,
            holdings.book_id,
            holdings.account_id,
            holdings.quantity * events.entitled_fraction as quantity
        from holdings
        inner join events
            on
                holdings.event_id = events.event_id
                and holdings.redemption_id = events.redemption_id
                and events.account_id in ('', holdings.account_id)
        union all
        select
            booked_before.event_id,
            events.redemption_id,
            booked_before.book_id,
            booked_before.account_id,
            0
        from booked_before
        inner join events on booked_before.event_id = events.event_id
    ) as parts
    group by event_id, redemption_id, book_id, account_id
),

-- What was booked at an ex date stays with whom it was booked for. What of the same income goes ex on another date, when the account was of
-- another client, is an entitlement of its own.
whose as (
    select
        entitled.*,
        events.income_type,
        events.instrument_id,
        events.ex_date,
        events.pay_date,
        events.amount_per_unit,
        clients.client_id,
        coalesce(
            same_client.entitlement_id,
            md5(concat_ws(
                '|',
                entitled.event_id,
                entitled.book_id,
                entitled.account_id,
                case
                    when booked.event_id is not null or clients.client_id is distinct from first_value(clients.client_id) over by_ex_date
                        then coalesce(clients.client_id, '')
                end
            ))
        ) as entitlement_id
    from entitled
    inner join events
        on
            entitled.event_id = events.event_id
            and entitled.redemption_id = events.redemption_id
    -- as the account was told to be by the ex date; one that was told after it, as it was told first
    inner join lateral (
        select versions.client_id
        from {{ ref('stg_books__accounts') }} as versions
        where
            versions.account_id = entitled.account_id
            and versions.business_date <= {{ business_date() }}
        order by versions.business_date <= events.ex_date desc, abs(versions.business_date - events.ex_date), versions.revision desc
        limit 1
    ) as accounts on true
    left join (select distinct event_id, book_id, account_id from booked_before) as booked
        on
            entitled.event_id = booked.event_id
            and entitled.book_id = booked.book_id
            and entitled.account_id = booked.account_id
    left join (
        select distinct on (event_id, book_id, account_id, ex_date) *
        from booked_before
        order by event_id, book_id, account_id, ex_date, entitlement_id
    ) as of_the_date
        on
            entitled.event_id = of_the_date.event_id
            and entitled.book_id = of_the_date.book_id
            and entitled.account_id = of_the_date.account_id
            and events.ex_date = of_the_date.ex_date
    cross join lateral (
        select case when of_the_date.event_id is null then accounts.client_id else of_the_date.client_id end as client_id
    ) as clients
    left join (
        select
            event_id,
            book_id,
            account_id,
            client_id,
            min(entitlement_id) as entitlement_id
        from booked_before
        group by event_id, book_id, account_id, client_id
    ) as same_client
        on
            entitled.event_id = same_client.event_id
            and entitled.book_id = same_client.book_id
            and entitled.account_id = same_client.account_id
            and clients.client_id is not distinct from same_client.client_id
    window by_ex_date as (
        partition by entitled.event_id, entitled.book_id, entitled.account_id
        order by events.ex_date, entitled.redemption_id
    )
),

due as (
    select
        whose.event_id,
        whose.book_id,
        whose.account_id,
        whose.quantity,
        whose.income_type,
        whose.instrument_id,
        whose.ex_date,
        whose.pay_date,
        whose.client_id,
        whose.entitlement_id,
        instruments.product_line,
        instruments.currency_code,
        rates.minor_unit,
        rates.base_minor_unit,
        case
            when whose.account_quantity > 0 and whose.amount_per_unit > 0 then coalesce(withholding_rates.rate, 0)
            else 0
        end as withholding_rate,
        {{ round_money('whose.cumulative_quantity * whose.amount_per_unit', 'rates.minor_unit') }} as cumulative_gross_amount,
        {{ round_money('(whose.cumulative_quantity - whose.quantity) * whose.amount_per_unit', 'rates.minor_unit') }}
            as preceding_gross_amount
    from whose
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            whose.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            instruments.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    -- the rate known when it is paid; where there was none, the first that came after
    left join lateral (
        select known.rate
        from {{ ref('stg_books__withholding_rates') }} as known
        where
            known.account_id = whose.account_id
            and known.issuer_country_code = instruments.issuer_country_code
            and known.income_type = whose.income_type
            and known.business_date <= {{ business_date() }}
            and known.business_date <= greatest(
                whose.pay_date,
                (
                    select min(first_known.business_date)
                    from {{ ref('stg_books__withholding_rates') }} as first_known
                    where
                        first_known.account_id = whose.account_id
                        and first_known.issuer_country_code = instruments.issuer_country_code
                        and first_known.income_type = whose.income_type
                )
            )
        order by known.business_date desc, known.revision desc
        limit 1
    ) as withholding_rates on true
),

stated as (
    select
        event_id,
        entitlement_id,
        client_id,
        book_id,
        account_id,
        ex_date,
        quantity,
        cumulative_gross_amount - preceding_gross_amount as gross_amount,
        {{ round_money('cumulative_gross_amount * withholding_rate', 'minor_unit') }}
        - {{ round_money('preceding_gross_amount * withholding_rate', 'minor_unit') }} as withholding_amount,
        false as is_booked,
        0::numeric as gross_booked_base,
        0::numeric as withholding_booked_base,
        null::date as booked_pay_date
    from due
    union all
    select
        event_id,
        entitlement_id,
        client_id,
        book_id,
        account_id,
        ex_date,
        -entitled_quantity,
        -gross_amount,
        -withholding_amount,
        true,
        gross_amount_base,
        withholding_amount_base,
        pay_date
    from booked_before
),

changes as (
    select
        event_id,
        entitlement_id,
        client_id,
        book_id,
        account_id,
        ex_date,
        sum(quantity) as entitled_quantity_change,
        sum(gross_amount) as gross_change,
        sum(withholding_amount) as withholding_change,
        coalesce(sum(gross_amount) filter (where not is_booked), 0) as gross_due,
        coalesce(sum(withholding_amount) filter (where not is_booked), 0) as withholding_due,
        sum(gross_booked_base) as gross_booked_base,
        sum(withholding_booked_base) as withholding_booked_base,
        max(booked_pay_date) as booked_pay_date
    from stated
    group by event_id, entitlement_id, client_id, book_id, account_id, ex_date
),

-- What of an entitlement and when it is paid, which is the same of all its parts.
entitlements as (
    select distinct on (event_id, book_id, account_id) *
    from due
    order by event_id, book_id, account_id
),

income as (
    select
        {{ business_date() }} as business_date,
        changes.entitlement_id,
        changes.event_id,
        due.income_type,
        changes.book_id,
        changes.account_id,
        changes.client_id,
        due.instrument_id,
        due.product_line,
        changes.ex_date,
        due.pay_date,
        changes.entitled_quantity_change::numeric(28, 10) as entitled_quantity,
        changes.gross_change::numeric(24, 4) as gross_amount,
        changes.withholding_change::numeric(24, 4) as withholding_amount,
        (changes.gross_change - changes.withholding_change)::numeric(24, 4) as net_amount,
        due.currency_code,
        in_base.gross_change::numeric(24, 4) as gross_amount_base,
        in_base.withholding_change::numeric(24, 4) as withholding_amount_base,
        (in_base.gross_change - in_base.withholding_change)::numeric(24, 4) as net_amount_base
    from changes
    inner join entitlements as due
        on
            changes.event_id = due.event_id
            and changes.book_id = due.book_id
            and changes.account_id = due.account_id
    -- What is due is turned into base currency as a whole, at the rate of the date that should have had it, so that an entitlement comes to the
    -- same however it was told.
    cross join lateral {{ rate_from('due.currency_code', 'changes.ex_date') }} as ex_rates
    cross join lateral (
        select
            {{ round_money('changes.gross_due * ex_rates.rate', 'due.base_minor_unit') }} - changes.gross_booked_base as gross_change,
            {{ round_money('changes.withholding_due * ex_rates.rate', 'due.base_minor_unit') }}
            - changes.withholding_booked_base as withholding_change
    ) as in_base
    where
        changes.gross_change <> 0
        or changes.withholding_change <> 0
        or changes.entitled_quantity_change <> 0
        or (changes.gross_due <> 0 and due.pay_date <> changes.booked_pay_date)
)

select * from income
