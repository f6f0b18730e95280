{{ config(indexes=[{'columns': ['business_date', 'book_id']}, {'columns': ['book_id', 'account_id', 'instrument_id']}]) }}

-- Which lot each trade closed and what it brought. Where a key was worked out again from its first trade, the rows are what that
-- changed of earlier days, so that the sum over all dates up to one is the result as known then.

with matched as (
    select
        book_id,
        account_id,
        instrument_id,
        is_replayed,
        (lots).closings
    from ({{ lots_matched_today() }}) as worked_out
    union all
    select
        book_id,
        account_id,
        instrument_id,
        false,
        closings
    from {{ ref('int_lots__streamed') }}
    where
        business_date = {{ business_date() }}
        and is_matched
),

closings as (
    select
        matched.book_id,
        matched.account_id,
        matched.instrument_id,
        matched.is_replayed,
        closing.trade_id as closing_trade_id,
        closing.lot_id,
        closing.opened_date,
        closing.quantity,
        closing.cost_amount,
        closing.cost_amount_base,
        closing.proceeds_amount,
        closing.proceeds_amount_base,
        closing.realised_price_amount_base
    from matched
    cross join lateral unnest(matched.closings) as closing
    where not closing.is_transfer
    {% if is_incremental() %}
        union all
        select
            matched.book_id,
            matched.account_id,
            matched.instrument_id,
            matched.is_replayed,
            earlier.closing_trade_id,
            earlier.lot_id,
            earlier.opened_date,
            -earlier.quantity,
            -earlier.cost_amount,
            -earlier.cost_amount_base,
            -earlier.proceeds_amount,
            -earlier.proceeds_amount_base,
            -earlier.realised_price_amount_base
        from matched
        inner join {{ this }} as earlier
            on
                matched.book_id = earlier.book_id
                and matched.account_id = earlier.account_id
                and matched.instrument_id = earlier.instrument_id
        where
            matched.is_replayed
            and earlier.business_date < {{ business_date() }}
    {% endif %}
),

changes as (
    select
        book_id,
        account_id,
        instrument_id,
        closing_trade_id,
        lot_id,
        opened_date,
        sum(quantity) as quantity,
        sum(cost_amount) as cost_amount,
        sum(cost_amount_base) as cost_amount_base,
        sum(proceeds_amount) as proceeds_amount,
        sum(proceeds_amount_base) as proceeds_amount_base,
        sum(realised_price_amount_base) as realised_price_amount_base
    from closings
    group by book_id, account_id, instrument_id, closing_trade_id, lot_id, opened_date
    having
        sum(quantity) <> 0
        or sum(cost_amount) <> 0
        or sum(cost_amount_base) <> 0
        or sum(proceeds_amount) <> 0
        or sum(proceeds_amount_base) <> 0
        or sum(realised_price_amount_base) <> 0
),

realised_results as (
    select
        {{ business_date() }} as business_date,
        changes.book_id,
        changes.account_id,
        changes.instrument_id,
        changes.closing_trade_id,
        changes.lot_id,
        changes.opened_date,
        instruments.currency_code,
        changes.quantity::numeric(28, 10) as quantity,
        changes.cost_amount::numeric(24, 4) as cost_amount,
        changes.proceeds_amount::numeric(24, 4) as proceeds_amount,
        (changes.proceeds_amount - changes.cost_amount)::numeric(24, 4) as realised_amount,
        changes.cost_amount_base::numeric(24, 4) as cost_amount_base,
        changes.proceeds_amount_base::numeric(24, 4) as proceeds_amount_base,
        -- where gains are paid every day, and before the date of a currency forward, no currency is held in the position
        case
            when instruments.settles_daily or instruments.exchanges_at_maturity then changes.realised_price_amount_base
            else changes.proceeds_amount_base - changes.cost_amount_base
        end::numeric(24, 4) as realised_amount_base,
        changes.realised_price_amount_base::numeric(24, 4) as realised_price_amount_base,
        case
            when instruments.settles_daily or instruments.exchanges_at_maturity then 0
            else changes.proceeds_amount_base - changes.cost_amount_base - changes.realised_price_amount_base
        end::numeric(24, 4) as realised_fx_amount_base
    from changes
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            changes.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
)

select * from realised_results
