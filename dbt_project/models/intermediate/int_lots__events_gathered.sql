{{ config(materialized='table') }}

-- What happened today to the lots of each book, account and instrument, in order: the day's trades where they only add to what
-- was known; the whole history where an amendment, cancellation, late trade or change of method reaches back, so that the order of
-- arrival leaves no trace.

with movements as (
    select * from {{ ref('int_trades__movements') }} where business_date = {{ business_date() }}
),

account_methods as (
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

touched as (
    select
        book_id,
        account_id,
        instrument_id,
        movement_type <> 'NEW' as is_replayed
    from movements
    union all
    select
        history.book_id,
        history.account_id,
        history.instrument_id,
        true
    from {{ ref('int_trades__movements') }} as history
    inner join restated_accounts on history.account_id = restated_accounts.account_id
    where
        history.business_date <= {{ business_date() }}
        and history.trade_date >= restated_accounts.valid_from
),

keys as (
    select
        book_id,
        account_id,
        instrument_id,
        bool_or(is_replayed) as is_replayed
    from touched
    group by book_id, account_id, instrument_id
),

replayed_trades as (
    select
        history.*,
        true as is_replayed
    from {{ ref('int_trades__movements') }} as history
    inner join keys
        on
            history.book_id = keys.book_id
            and history.account_id = keys.account_id
            and history.instrument_id = keys.instrument_id
            and keys.is_replayed
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
),

new_trades as (
    select
        movements.*,
        false as is_replayed
    from movements
    inner join keys
        on
            movements.book_id = keys.book_id
            and movements.account_id = keys.account_id
            and movements.instrument_id = keys.instrument_id
            and not keys.is_replayed
),

trades as (
    select * from replayed_trades
    union all
    select * from new_trades
),

gathered as (
    select
        trades.book_id,
        trades.account_id,
        trades.instrument_id,
        trades.currency_code,
        trades.is_replayed,
        array_agg(
            row(
                trades.trade_id, trades.trade_date, trades.quantity, trades.gross_amount + trades.fee_amount,
                trades.gross_amount_base + trades.fee_amount_base, trades.fx_rate,
                coalesce(account_methods.lot_method, line_methods.lot_method), trades.closes_trade_id, null, null, null
            )::books.lot_event
            order by trades.trade_date, trades.executed_at, trades.source_sequence, trades.trade_id
        ) as events
    from trades
    inner join line_methods
        on
            trades.product_line = line_methods.product_line
            and trades.trade_date >= line_methods.valid_from
            and trades.trade_date < line_methods.valid_until
    left join account_methods
        on
            trades.account_id = account_methods.account_id
            and trades.trade_date >= account_methods.valid_from
            and trades.trade_date < account_methods.valid_until
    group by trades.book_id, trades.account_id, trades.instrument_id, trades.currency_code, trades.is_replayed
),

-- A key whose last trade was taken back has nothing left to gather, and is worked out to be empty.
events_gathered as (
    select
        {{ business_date() }} as business_date,
        keys.book_id,
        keys.account_id,
        keys.instrument_id,
        keys.is_replayed,
        rates.minor_unit,
        rates.base_minor_unit,
        coalesce(gathered.events, '{}'::books.lot_event []) as events
    from keys
    left join gathered
        on
            keys.book_id = gathered.book_id
            and keys.account_id = gathered.account_id
            and keys.instrument_id = gathered.instrument_id
    left join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            gathered.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
)

select * from events_gathered
