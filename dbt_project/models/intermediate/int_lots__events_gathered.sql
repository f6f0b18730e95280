{{ config(materialized='table') }}

-- What happened today to the lots of each book, account and instrument, in order: the day's trades where they only add to what
-- was known; the whole history where an amendment, cancellation, late trade, late corporate action or change of method reaches
-- back, so that the order of arrival leaves no trace. A corporate action comes before the trades of its ex date.

with account_methods as (
    select
        account_id,
        lot_method,
        business_date,
        valid_from,
        lead(valid_from, 1, 'infinity'::date) over (partition by account_id order by valid_from) as valid_until
    from {{ as_known(ref('stg_books__lot_methods'), ['account_id', 'valid_from']) }} as known
),

line_methods as (
    select
        product_line,
        lot_method,
        valid_from,
        lead(valid_from, 1, 'infinity'::date) over (partition by product_line order by valid_from) as valid_until
    from (
        select distinct on (product_line, valid_from)
            product_line,
            valid_from,
            lot_method
        from {{ ref('stg_books__product_lines') }}
        order by product_line, valid_from, known_at desc
    ) as latest
),

-- A method stated today for trades already booked.
restated_accounts as (
    select
        account_id,
        min(valid_from) as valid_from
    from account_methods
    where
        business_date = {{ business_date() }}
        and valid_from < {{ business_date() }}
    group by account_id
),

restatements as (
    select * from {{ restatements() }} as known
),

replayed_keys as (
    select
        book_id,
        account_id,
        instrument_id
    from {{ ref('int_trades__movements') }}
    where
        business_date = {{ business_date() }}
        and movement_type <> 'NEW'
    union
    select
        history.book_id,
        history.account_id,
        history.instrument_id
    from {{ ref('int_trades__movements') }} as history
    inner join restated_accounts on history.account_id = restated_accounts.account_id
    where
        history.business_date <= {{ business_date() }}
        and history.trade_date >= restated_accounts.valid_from
    union
    -- a corporate action that was announced, amended or withdrawn today after its ex date
    select
        history.book_id,
        history.account_id,
        history.instrument_id
    from {{ ref('int_trades__movements') }} as history
    inner join restatements on history.instrument_id = restatements.instrument_id
    where
        restatements.announced_date = {{ business_date() }}
        and restatements.ex_date <= {{ previous_business_date() }}
        and history.business_date <= {{ business_date() }}
        and history.trade_date < restatements.ex_date
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
                and taken_back.business_date <= {{ business_date() }}
        )
    union all
    select
        replayed_keys.book_id,
        replayed_keys.account_id,
        replayed_keys.instrument_id,
        true,
        {{ restatement_event('restatements') }},
        {{ restatement_event_order('restatements') }}
    from replayed_keys
    inner join restatements on replayed_keys.instrument_id = restatements.instrument_id
),

today as (
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
        and not exists (
            select 1 from replayed_keys
            where
                replayed_keys.book_id = movements.book_id
                and replayed_keys.account_id = movements.account_id
                and replayed_keys.instrument_id = movements.instrument_id
        )
    {% if lots_carried() %}
        union all
        select
            held.book_id,
            held.account_id,
            held.instrument_id,
            false,
            {{ restatement_event('restatements') }},
            {{ restatement_event_order('restatements') }}
        from {{ lots_carried() }} as held
        inner join restatements on held.instrument_id = restatements.instrument_id
        where
            held.business_date = {{ previous_business_date() }}
            and held.quantity <> 0
            and restatements.ex_date > {{ previous_business_date() }}
            and not exists (
                select 1 from replayed_keys
                where
                    replayed_keys.book_id = held.book_id
                    and replayed_keys.account_id = held.account_id
                    and replayed_keys.instrument_id = held.instrument_id
            )
    {% endif %}
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
        rates.minor_unit,
        rates.base_minor_unit,
        gathered.events
    from gathered
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
