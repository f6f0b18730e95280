{{ config(materialized='table') }}

-- What happened today to the lots of each book, account and instrument, in order: the day's trades where they only add to what
-- was known; the whole history where an amendment, cancellation, late trade or change of method reaches back, so that the order of
-- arrival leaves no trace.

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
),

replayed as (
    select
        history.book_id,
        history.account_id,
        history.instrument_id,
        min(history.currency_code) as currency_code,
        array_agg({{ lot_event('history') }} order by {{ lot_event_order('history') }}) as events
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
    group by history.book_id, history.account_id, history.instrument_id
),

gathered as (
    select
        movements.book_id,
        movements.account_id,
        movements.instrument_id,
        min(movements.currency_code) as currency_code,
        false as is_replayed,
        array_agg({{ lot_event('movements') }} order by {{ lot_event_order('movements') }}) as events
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
    group by movements.book_id, movements.account_id, movements.instrument_id
    union all
    -- A key whose last trade was taken back has nothing left to gather, and is worked out to be empty.
    select
        keys.book_id,
        keys.account_id,
        keys.instrument_id,
        replayed.currency_code,
        true,
        coalesce(replayed.events, '{}'::books.lot_event [])
    from replayed_keys as keys
    left join replayed
        on
            keys.book_id = replayed.book_id
            and keys.account_id = replayed.account_id
            and keys.instrument_id = replayed.instrument_id
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
    left join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            gathered.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
)

select * from events_gathered
