{{ config(materialized='table', unlogged=true, analysed_columns=['business_date', 'book_id', 'account_id', 'instrument_id', 'is_replayed', 'link_id']) }}

-- What happened today to the lots of each book, account and instrument, in order: the day's trades where they only add to what
-- was known; the whole history where an amendment, cancellation, late trade, late corporate action or change of method reaches
-- back, so that the order of arrival leaves no trace. A corporate action comes before the trades of its ex date.

with {{ lot_methods() }},

terms as (
    select * from {{ ref('int_corporate_actions__terms_known') }} where business_date = {{ business_date() }}
),

linked_instruments as (
    select * from {{ ref('int_corporate_actions__instruments_linked') }}
),

links_of_today as (
    select distinct linked_instruments.link_id
    from linked_instruments
    inner join terms on linked_instruments.instrument_id = terms.instrument_id
    where
        (terms.received_instrument_id is not null or terms.fraction_price is not null)
        and terms.ex_date > {{ previous_business_date() }}
),

replayed_keys as (
    select * from {{ ref('int_lots__keys_replayed') }}
),

replayed as (
    select
        history.book_id,
        history.account_id,
        history.instrument_id,
        true as is_replayed,
        {{ lot_event('history') }} as event,
        {{ lot_event_order('history') }}
    from {{ ref('int_trades__movements') }} as history
    inner join replayed_keys
        on
            history.book_id = replayed_keys.book_id
            and history.account_id = replayed_keys.account_id
            and history.instrument_id = replayed_keys.instrument_id
    {{ lot_methods_of('history') }}
    where
        history.business_date <= {{ business_date() }}
        and history.movement_sign = 1
        and not exists (
            select 1 from {{ ref('int_trades__movements') }} as taken_back
            where
                taken_back.trade_id = history.trade_id
                and taken_back.trade_version = history.trade_version
                and taken_back.movement_sign = -1
                -- on the day it was booked, another booking of it was
                and taken_back.business_date > history.business_date
                and taken_back.business_date <= {{ business_date() }}
        )
    union all
    select
        replayed_keys.book_id,
        replayed_keys.account_id,
        replayed_keys.instrument_id,
        true,
        {{ restatement_event('terms', 'replayed_keys.account_id') }},
        {{ restatement_event_order('terms') }}
    from replayed_keys
    inner join terms
        on
            replayed_keys.instrument_id = terms.instrument_id
            and {{ concerns('terms', 'replayed_keys') }}
),

-- What was held before today, or traded on a day without a close since.
held_alone as (
    {% if lots_carried() %}
        select
            book_id,
            account_id,
            instrument_id
        from {{ lots_carried() }}
        where
            business_date = {{ previous_business_date() }}
            and quantity <> 0
            and instrument_id in (select terms.instrument_id from terms where terms.ex_date > {{ previous_business_date() }})
        union
    {% endif %}
    select
        movements.book_id,
        movements.account_id,
        movements.instrument_id
    from {{ ref('int_trades__movements') }} as movements
    inner join terms on movements.instrument_id = terms.instrument_id
    where
        movements.business_date = {{ business_date() }}
        and movements.trade_date < terms.ex_date
        and terms.ex_date > {{ previous_business_date() }}
),

-- What an event of today delivers may be subject to another one.
held_before as (
    select * from held_alone
    union
    select
        held_alone.book_id,
        held_alone.account_id,
        linked_instruments.linked_instrument_id
    from held_alone
    inner join linked_instruments on held_alone.instrument_id = linked_instruments.instrument_id
    where linked_instruments.link_id in (select links_of_today.link_id from links_of_today)
),

happened_today as (
    select
        movements.book_id,
        movements.account_id,
        movements.instrument_id,
        false as is_replayed,
        {{ lot_event('movements') }} as event,
        {{ lot_event_order('movements') }}
    from {{ ref('int_trades__movements') }} as movements
    {{ lot_methods_of('movements') }}
    where
        movements.business_date = {{ business_date() }}
        and movements.exchanged_currency_code is null
        and not exists (select 1 from {{ ref('int_lots__streamed') }})
    union all
    -- what the kernel left
    select
        movements.book_id,
        movements.account_id,
        movements.instrument_id,
        false,
        {{ lot_event('movements') }},
        {{ lot_event_order('movements') }}
    from {{ ref('int_lots__streamed') }} as streamed
    inner join {{ ref('int_trades__movements') }} as movements
        on
            streamed.book_id = movements.book_id
            and streamed.account_id = movements.account_id
            and streamed.instrument_id = movements.instrument_id
    {{ lot_methods_of('movements') }}
    where
        not streamed.is_matched
        and movements.business_date = {{ business_date() }}
        and movements.exchanged_currency_code is null
    union all
    select
        held_before.book_id,
        held_before.account_id,
        held_before.instrument_id,
        false,
        {{ restatement_event('terms', 'held_before.account_id') }},
        {{ restatement_event_order('terms') }}
    from held_before
    inner join terms
        on
            held_before.instrument_id = terms.instrument_id
            and {{ concerns('terms', 'held_before') }}
    where terms.ex_date > {{ previous_business_date() }}
),

-- What is worked out from its first trade has today among all else.
today as (
    select happened_today.*
    from happened_today
    where not exists (
        select 1 from replayed_keys
        where
            replayed_keys.book_id = happened_today.book_id
            and replayed_keys.account_id = happened_today.account_id
            and replayed_keys.instrument_id = happened_today.instrument_id
    )
),

gathered as (
    select
        book_id,
        account_id,
        instrument_id,
        is_replayed,
        array_agg(event order by event_date, event_moment, source_sequence, event_id) as events
    from (
        select * from today
        union all
        select * from replayed
    ) as events
    group by book_id, account_id, instrument_id, is_replayed
    union all
    -- A key whose last trade was taken back has nothing left to gather, and is worked out to be empty.
    select
        keys.book_id,
        keys.account_id,
        keys.instrument_id,
        true,
        '{}'::books.lot_event []
    from replayed_keys as keys
    where not exists (
        select 1 from replayed
        where
            replayed.book_id = keys.book_id
            and replayed.account_id = keys.account_id
            and replayed.instrument_id = keys.instrument_id
    )
),

events_gathered as (
    select
        {{ business_date() }} as business_date,
        gathered.book_id,
        gathered.account_id,
        gathered.instrument_id,
        gathered.is_replayed,
        -- keys of one book and account that events of these dates turn into one another are worked out together, those of all
        -- books of the account where the fractions of an event are paid
        links.link_id,
        coalesce(links.is_by_account, false) as is_by_account,
        rates.minor_unit,
        rates.base_minor_unit,
        gathered.events
    from gathered
    left join (select distinct instrument_id, link_id, is_by_account from linked_instruments) as links
        on
            gathered.instrument_id = links.instrument_id
            and (gathered.is_replayed or links.link_id in (select links_of_today.link_id from links_of_today))
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            gathered.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            instruments.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
)

select * from events_gathered
