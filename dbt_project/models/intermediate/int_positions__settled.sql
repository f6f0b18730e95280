{{ config(indexes=[{'columns': ['business_date', 'book_id', 'account_id', 'instrument_id'], 'unique': true}]) }}

-- What the custodian has confirmed as delivered or received, per book, account and instrument, carried from day to day. What was traded
-- before an event goes ex settles in the units of before and counts in those of after; instruments whose events the day
-- brings, or for which such a trade settles, are worked out from all that was confirmed. Where an event pays fractions in cash, an account
-- has the whole units of what has settled, by the rule of books.allot_fractions; what settles later makes the next ones whole, and once all
-- has settled it is what was traded.

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
        -- what was exercised by number
        select actions.instrument_id
        from {{ ref('fct_corporate_actions') }} as actions
        where
            actions.business_date = {{ business_date() }}
            and actions.event_id in (select terms.event_id from terms where terms.exercised_quantity is not null)
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
    -- what was exercised by number is no part of what has settled
    select
        actions.book_id,
        actions.account_id,
        actions.instrument_id,
        terms.event_no,
        sum(actions.quantity_change)
    from {{ ref('fct_corporate_actions') }} as actions
    inner join terms on actions.event_id = terms.event_id
    where
        actions.business_date <= {{ business_date() }}
        and terms.exercised_quantity is not null
        and terms.delivery_date <= {{ business_date() }}
        and actions.instrument_id in (select concerned.instrument_id from concerned)
    group by actions.book_id, actions.account_id, actions.instrument_id, terms.event_no
),

by_account as (
    select distinct
        instrument_id,
        link_id
    from {{ ref('int_corporate_actions__instruments_linked') }}
    where is_by_account
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
        where instrument_id not in (select by_account.instrument_id from by_account)
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

account_events as (
    select
        terms.*,
        by_account.link_id,
        row_number() over (partition by by_account.link_id order by terms.event_no) as step_no
    from terms
    inner join by_account on terms.instrument_id = by_account.instrument_id
    where
        terms.exercised_quantity is null
        and terms.delivery_date <= {{ business_date() }}
        and terms.instrument_id in (select concerned.instrument_id from concerned)
),

-- The same where fractions are paid, with all books of an account at each event. What it makes of them together is delivered in whole
-- units: each book has the whole part of its own, and what the account is due beyond goes to the largest remainders, ties by the book's id.
walked_by_account as (
    with recursive steps as (
        select
            0::bigint as step_no,
            by_account.link_id,
            confirmed.book_id,
            confirmed.account_id,
            confirmed.instrument_id,
            confirmed.event_no,
            confirmed.quantity
        from confirmed
        inner join by_account on confirmed.instrument_id = by_account.instrument_id
        union all
        select
            ranked.step_no,
            ranked.link_id,
            ranked.book_id,
            ranked.account_id,
            ranked.instrument_id,
            ranked.event_no,
            ranked.quantity - case
                when ranked.is_allotted and ranked.book_row = 1
                    then ranked.side * (
                        ranked.book_units - floor(ranked.book_units)
                        - case when ranked.remainder_rank <= ranked.left_over then 1 else 0 end
                    )
                else 0
            end
        from (
            select
                sided.*,
                trunc(sum(sided.book_units) filter (where sided.is_allotted and sided.book_row = 1) over account)
                - sum(floor(sided.book_units)) filter (where sided.is_allotted and sided.book_row = 1) over account as left_over,
                row_number() over (
                    partition by sided.link_id, sided.account_id, sided.is_allotted and sided.book_row = 1
                    order by sided.book_units - floor(sided.book_units) desc, sided.book_id
                ) as remainder_rank
            from (
                select
                    summed.*,
                    summed.units * summed.side as book_units
                from (
                    select
                        of_books.*,
                        case
                            when sum(of_books.units) filter (where of_books.is_allotted and of_books.book_row = 1) over (
                                partition by of_books.link_id, of_books.account_id
                            ) < 0 then -1
                            else 1
                        end as side
                    from (
                        select
                            restated.*,
                            round(sum(restated.quantity) filter (where restated.is_allotted) over book, 10) as units,
                            row_number() over (
                                partition by restated.link_id, restated.account_id, restated.book_id, restated.is_allotted
                            ) as book_row
                        from (
                            select
                                event.step_no,
                                steps.link_id,
                                steps.book_id,
                                steps.account_id,
                                step.instrument_id,
                                step.event_no,
                                step.quantity,
                                step.is_allotted
                            from steps
                            inner join account_events as event
                                on
                                    steps.link_id = event.link_id
                                    and event.step_no = steps.step_no + 1
                            cross join lateral (
                                values
                                (
                                    steps.instrument_id = event.instrument_id
                                    and steps.event_no < event.event_no
                                    and {{ concerns('event', 'steps') }}
                                )
                            ) as it (is_concerned)
                            cross join lateral (
                                values
                                (not it.is_concerned, steps.instrument_id, steps.event_no, steps.quantity, false),
                                (
                                    it.is_concerned,
                                    event.instrument_id,
                                    event.event_no,
                                    steps.quantity * event.retained_factor,
                                    event.fraction_price is not null and event.received_instrument_id is null
                                ),
                                (
                                    it.is_concerned and event.received_instrument_id is not null,
                                    event.received_instrument_id,
                                    event.event_no,
                                    steps.quantity * event.received_units / event.old_units * coalesce(event.exercised_fraction, 1),
                                    event.fraction_price is not null
                                )
                            ) as step (is_one, instrument_id, event_no, quantity, is_allotted)
                            where step.is_one
                        ) as restated
                        window book as (partition by restated.link_id, restated.account_id, restated.book_id)
                    ) as of_books
                ) as summed
            ) as sided
            window account as (partition by sided.link_id, sided.account_id)
        ) as ranked
    )

    select
        steps.book_id,
        steps.account_id,
        steps.instrument_id,
        round(sum(steps.quantity), 10) as quantity
    from steps
    where
        steps.step_no = coalesce((
            select max(account_events.step_no) from account_events
            where account_events.link_id = steps.link_id
        ), 0)
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
        union all
        select * from walked_by_account
    ) as parts
    group by book_id, account_id, instrument_id
    having sum(quantity) <> 0
)

select * from settled
