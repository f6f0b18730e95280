{{ config(indexes=[{'columns': ['business_date']}]) }}

-- The trades under the method SPECIFIC whose named lot could not give all that they close: the rest was taken of the oldest lots, or opened a
-- position of the other side. Of a key that was worked out again from its first trade, all its trades.

with trades as (
    select
        gathered.book_id,
        gathered.account_id,
        gathered.instrument_id,
        event.trade_id,
        event.closes_trade_id,
        abs(event.quantity) as quantity
    from {{ ref('int_lots__events_gathered') }} as gathered
    cross join lateral unnest(gathered.events) as event
    where
        gathered.business_date = {{ business_date() }}
        and event.quantity is not null
        and event.lot_method = 'SPECIFIC'
),

matched as (
    {{ lots_matched_today() }}
),

closed as (
    select
        matched.book_id,
        matched.account_id,
        matched.instrument_id,
        closing.trade_id,
        closing.lot_id,
        sum(abs(closing.quantity)) as quantity
    from matched
    cross join lateral unnest((matched.lots).closings) as closing
    where not closing.is_transfer
    group by matched.book_id, matched.account_id, matched.instrument_id, closing.trade_id, closing.lot_id
),

missed as (
    select
        trades.book_id,
        trades.account_id,
        trades.instrument_id,
        trades.trade_id,
        trades.closes_trade_id,
        coalesce(sum(closed.quantity) filter (where closed.lot_id is distinct from trades.closes_trade_id), 0) as other_lots_quantity,
        -- a trade that names no lot may open a position
        case when trades.closes_trade_id is null then 0 else trades.quantity - coalesce(sum(closed.quantity), 0) end as opened_quantity
    from trades
    left join closed
        on
            trades.book_id = closed.book_id
            and trades.account_id = closed.account_id
            and trades.instrument_id = closed.instrument_id
            and trades.trade_id = closed.trade_id
    group by
        trades.book_id,
        trades.account_id,
        trades.instrument_id,
        trades.trade_id,
        trades.closes_trade_id,
        trades.quantity
)

select
    {{ business_date() }} as business_date,
    book_id,
    account_id,
    instrument_id,
    trade_id,
    closes_trade_id,
    other_lots_quantity::numeric(28, 10) as other_lots_quantity,
    opened_quantity::numeric(28, 10) as opened_quantity
from missed
where other_lots_quantity <> 0 or opened_quantity <> 0
