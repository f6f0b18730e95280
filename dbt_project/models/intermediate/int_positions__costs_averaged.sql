{{ config(indexes=[{'columns': ['business_date', 'book_id', 'account_id', 'instrument_id'], 'unique': true}]) }}

-- Quantity, cost and realised result per book, account and instrument by the average-cost method, carried from day to day.
-- A key with only today's trades goes on from yesterday's state; a key touched by an amendment, cancellation or late trade
-- is worked out again from its first trade, so that the order of arrival leaves no trace.

with movements as (
    select * from {{ ref('int_trades__movements') }} where business_date = {{ business_date() }}
),

moved as (
    select
        book_id,
        account_id,
        instrument_id,
        currency_code,
        bool_or(movement_type <> 'NEW') as is_replayed
    from movements
    group by book_id, account_id, instrument_id, currency_code
),

opening as (
    {% if is_incremental() %}
        select
            book_id,
            account_id,
            instrument_id,
            quantity,
            cost_amount,
            cost_amount_base,
            realised_to_date_amount,
            realised_to_date_amount_base
        from {{ this }}
        where business_date = {{ previous_business_date() }}
    {% else %}
        select
            ''::text as book_id,
            ''::text as account_id,
            ''::text as instrument_id,
            0::numeric as quantity,
            0::numeric as cost_amount,
            0::numeric as cost_amount_base,
            0::numeric as realised_to_date_amount,
            0::numeric as realised_to_date_amount_base
        where false
    {% endif %}
),

replayed_trades as (
    select
        history.book_id,
        history.account_id,
        history.instrument_id,
        history.trade_id,
        history.executed_at,
        history.source_sequence,
        history.quantity,
        history.gross_amount + history.fee_amount as amount,
        history.gross_amount_base + history.fee_amount_base as amount_base
    from {{ ref('int_trades__movements') }} as history
    inner join moved
        on
            history.book_id = moved.book_id
            and history.account_id = moved.account_id
            and history.instrument_id = moved.instrument_id
            and moved.is_replayed
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
        movements.book_id,
        movements.account_id,
        movements.instrument_id,
        movements.trade_id,
        movements.executed_at,
        movements.source_sequence,
        movements.quantity,
        movements.gross_amount + movements.fee_amount as amount,
        movements.gross_amount_base + movements.fee_amount_base as amount_base
    from movements
    inner join moved
        on
            movements.book_id = moved.book_id
            and movements.account_id = moved.account_id
            and movements.instrument_id = moved.instrument_id
            and not moved.is_replayed
),

trades as (
    select * from replayed_trades
    union all
    select * from new_trades
),

folded as (
    select
        moved.book_id,
        moved.account_id,
        moved.instrument_id,
        (
            books.average_cost(
                case
                    when moved.is_replayed or opening.book_id is null then row(0, 0, 0, 0, 0)::books.cost_state
                    else
                        row(
                            opening.quantity, opening.cost_amount, opening.cost_amount_base,
                            opening.realised_to_date_amount, opening.realised_to_date_amount_base
                        )::books.cost_state
                end,
                trades.quantity,
                trades.amount,
                trades.amount_base,
                rates.minor_unit,
                rates.base_minor_unit
                order by trades.executed_at, trades.source_sequence, trades.trade_id, trades.quantity desc
            )
        ) as state
    from moved
    left join trades
        on
            moved.book_id = trades.book_id
            and moved.account_id = trades.account_id
            and moved.instrument_id = trades.instrument_id
    left join opening
        on
            moved.book_id = opening.book_id
            and moved.account_id = opening.account_id
            and moved.instrument_id = opening.instrument_id
    left join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            moved.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    group by moved.book_id, moved.account_id, moved.instrument_id
),

closing as (
    select
        book_id,
        account_id,
        instrument_id,
        (state).quantity,
        (state).cost_amount,
        (state).cost_amount_base,
        (state).realised_amount as realised_to_date_amount,
        (state).realised_amount_base as realised_to_date_amount_base
    from folded
    union all
    select opening.*
    from opening
    left join moved
        on
            opening.book_id = moved.book_id
            and opening.account_id = moved.account_id
            and opening.instrument_id = moved.instrument_id
    where moved.book_id is null
),

costs_averaged as (
    select
        {{ business_date() }} as business_date,
        closing.book_id,
        closing.account_id,
        closing.instrument_id,
        closing.quantity::numeric(28, 10) as quantity,
        closing.cost_amount::numeric(24, 4) as cost_amount,
        closing.cost_amount_base::numeric(24, 4) as cost_amount_base,
        closing.realised_to_date_amount::numeric(24, 4) as realised_to_date_amount,
        closing.realised_to_date_amount_base::numeric(24, 4) as realised_to_date_amount_base,
        (closing.realised_to_date_amount - coalesce(opening.realised_to_date_amount, 0))::numeric(24, 4) as realised_amount,
        (closing.realised_to_date_amount_base - coalesce(opening.realised_to_date_amount_base, 0))::numeric(24, 4)
            as realised_amount_base
    from closing
    left join opening
        on
            closing.book_id = opening.book_id
            and closing.account_id = opening.account_id
            and closing.instrument_id = opening.instrument_id
)

select * from costs_averaged
