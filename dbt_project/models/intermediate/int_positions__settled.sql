{{ config(indexes=[{'columns': ['business_date', 'book_id', 'account_id', 'instrument_id'], 'unique': true}]) }}

-- What the custodian has confirmed as delivered or received, per book, account and instrument, carried from day to day. What was traded
-- before an event goes ex settles in the units of before and counts in those of after; instruments whose events the day
-- brings, or for which such a trade settles, are worked out from all that was confirmed.

with statuses as not materialized (
    select
        instructions.book_id,
        instructions.account_id,
        instructions.instrument_id,
        instructions.trade_date,
        statuses.settled_quantity,
        statuses.business_date
    from {{ ref('stg_operations__settlement_statuses') }} as statuses
    inner join {{ ref('stg_operations__settlement_instructions') }} as instructions
        on statuses.instruction_id = instructions.instruction_id
    where statuses.business_date <= {{ business_date() }}
    union all
    -- given or received as collateral
    select
        book_id,
        account_id,
        instrument_id,
        movement_date,
        quantity,
        business_date
    from {{ ref('stg_books__collateral_movements') }}
    where business_date <= {{ business_date() }}
),

terms as (
    select
        terms_known.*,
        -- the custodian restates on the ex date and delivers on the pay date
        case
            when {{ is_split('terms_known') }} and event_type <> 'STOCK_DIVIDEND' then ex_date
            else greatest(ex_date, pay_date)
        end as delivery_date,
        row_number() over (order by ex_date, event_rank, event_id) as event_no
    from {{ ref('int_corporate_actions__terms_known') }} as terms_known
    where business_date = {{ business_date() }}
),

concerned as (
    with reached as (
        select instrument_id
        from terms
        where
            delivery_date <= {{ business_date() }}
            and (delivery_date > {{ previous_business_date() }} or announced_date = {{ business_date() }})
        union
        select versions.instrument_id
        from {{ ref('stg_books__corporate_actions') }} as versions
        where
            versions.event_type not in ('CASH_DIVIDEND', 'SPECIAL_DIVIDEND')
            and versions.event_id in (
                select events.event_id from {{ ref('stg_books__corporate_actions') }} as events
                where events.business_date = {{ business_date() }}
            )
            and versions.business_date <= {{ business_date() }}
        union
        select terms.instrument_id
        from terms
        inner join statuses
            on
                terms.instrument_id = statuses.instrument_id
                and terms.ex_date > statuses.trade_date
                and statuses.business_date = {{ business_date() }}
        union
        -- a fraction paid in cash on a date that came before, for a trade that came after; what was exercised by number
        select actions.instrument_id
        from {{ ref('fct_corporate_actions') }} as actions
        where
            actions.business_date = {{ business_date() }}
            and (
                actions.fraction_quantity <> 0
                or actions.event_id in (select terms.event_id from terms where terms.exercised_quantity is not null)
            )
    )

    select instrument_id from reached
    union
    select links.linked_instrument_id
    from reached
    inner join {{ ref('int_corporate_actions__instruments_linked') }} as links on reached.instrument_id = links.instrument_id
),

confirmed as (
    select
        book_id,
        account_id,
        instrument_id,
        coalesce((
            select max(terms.event_no) from terms
            where terms.ex_date <= statuses.trade_date
        ), 0) as event_no,
        sum(settled_quantity) as quantity
    from statuses
    where instrument_id in (select concerned.instrument_id from concerned)
    group by book_id, account_id, instrument_id, 4
    union all
    -- what was paid in cash is not delivered; what was exercised by number is no part of what has settled
    select
        actions.book_id,
        actions.account_id,
        actions.instrument_id,
        terms.event_no,
        sum(case when terms.exercised_quantity is null then -actions.fraction_quantity else actions.quantity_change end)
    from {{ ref('fct_corporate_actions') }} as actions
    inner join terms on actions.event_id = terms.event_id
    where
        actions.business_date <= {{ business_date() }}
        and terms.delivery_date <= {{ business_date() }}
        and actions.instrument_id in (select concerned.instrument_id from concerned)
    group by actions.book_id, actions.account_id, actions.instrument_id, terms.event_no
),

-- Each event in turn: what stays of the instrument, and what is received instead.
walked as (
    with recursive steps as (
        select
            book_id,
            account_id,
            instrument_id,
            event_no,
            quantity
        from confirmed
        union all
        select
            steps.book_id,
            steps.account_id,
            step.instrument_id,
            event.event_no,
            step.quantity
        from steps
        cross join lateral (
            select terms.*
            from terms
            where
                terms.instrument_id = steps.instrument_id
                and terms.exercised_quantity is null
                and {{ concerns('terms', 'steps') }}
                and terms.delivery_date <= {{ business_date() }}
                and terms.event_no > steps.event_no
            order by terms.event_no
            limit 1
        ) as event
        cross join lateral (
            values
            (event.instrument_id, steps.quantity * event.retained_factor),
            (
                event.received_instrument_id,
                steps.quantity * event.received_units / event.old_units * coalesce(event.exercised_fraction, 1)
            )
        ) as step (instrument_id, quantity)
        where step.instrument_id is not null
    )

    select
        steps.book_id,
        steps.account_id,
        steps.instrument_id,
        round(sum(steps.quantity), 10) as quantity
    from steps
    where not exists (
        select 1 from terms
        where
            terms.instrument_id = steps.instrument_id
            and terms.exercised_quantity is null
            and {{ concerns('terms', 'steps') }}
            and terms.delivery_date <= {{ business_date() }}
            and terms.event_no > steps.event_no
    )
    group by steps.book_id, steps.account_id, steps.instrument_id
),

moved as (
    select
        book_id,
        account_id,
        instrument_id,
        sum(settled_quantity) as quantity
    from statuses
    where
        business_date = {{ business_date() }}
        and instrument_id not in (select concerned.instrument_id from concerned)
    group by book_id, account_id, instrument_id
),

opening as (
    {% if is_incremental() %}
        select
            book_id,
            account_id,
            instrument_id,
            quantity
        from {{ this }}
        where
            business_date = {{ previous_business_date() }}
            and instrument_id not in (select concerned.instrument_id from concerned)
    {% else %}
        select * from moved where false
    {% endif %}
),

settled as (
    select
        {{ business_date() }} as business_date,
        book_id,
        account_id,
        instrument_id,
        sum(quantity)::numeric(28, 10) as quantity
    from (
        select * from opening
        union all
        select * from moved
        union all
        select * from walked
    ) as parts
    group by book_id, account_id, instrument_id
    having sum(quantity) <> 0
)

select * from settled
