{{ config(indexes=[{'columns': ['business_date']}]) }}

-- What the day brought into each position: a row for each book, account and instrument with trades, events, income or margin of the day. Of
-- trades by what they are (amended, cancelled, late, new), quantity, price times quantity and what is agreed for forwards; of events the cost moved
-- in, less what was closed; coupons and other income; accrued interest and fees of trades; and net_cash_in, what was paid for all of it, whatever
-- step it belongs to. What comes into the position is positive, and so is what is paid for it.

with trades as (
    select
        movements.book_id,
        movements.account_id,
        movements.instrument_id,
        movements.movement_type,
        -- what was traded before a split and booked after it counts in new units, what is new from a day without business among it
        case
            when movements.trade_date = {{ business_date() }} then movements.quantity
            else round(movements.quantity * {{ retained_units('movements', is_split('terms')) }}, 10)
        end as quantity,
        -- an exchange of currencies leaves two claims and no position, and nothing is paid for a currency forward: of both, only the fee
        case when movements.exchanged_currency_code is null and movements.agreed_amount is null then movements.gross_amount else 0 end
            as gross_amount,
        case when movements.exchanged_currency_code is null and movements.agreed_amount is null then movements.gross_amount_base else 0 end
            as gross_amount_base,
        coalesce(movements.agreed_amount, 0) as agreed_amount,
        movements.accrued_amount,
        movements.accrued_amount_base,
        movements.fee_amount,
        movements.fee_amount_base,
        case when movements.exchanged_currency_code is null then -movements.net_amount else movements.fee_amount end as paid_amount,
        case when movements.exchanged_currency_code is null then -movements.net_amount_base else movements.fee_amount_base end as paid_amount_base
    from {{ ref('int_trades__movements') }} as movements
    where movements.business_date = {{ business_date() }}
),

-- cost that an event moves counts as paid
events as (
    select
        actions.book_id,
        actions.account_id,
        actions.instrument_id,
        actions.cost_moved_amount - actions.value_amount as amount,
        actions.cost_moved_amount_base - actions.value_amount_base as amount_base,
        actions.cost_moved_amount - case when instruments.settles_daily then 0 else actions.value_amount end as paid_amount,
        actions.cost_moved_amount_base - actions.cash_amount_base as paid_amount_base
    from {{ ref('fct_corporate_actions') }} as actions
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            actions.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    where actions.business_date = {{ business_date() }}
    union all
    -- forwards whose amounts were exchanged today, or taken back: what they were worth then
    select
        book_id,
        account_id,
        instrument_id,
        -value_amount,
        -value_amount_base,
        -value_amount,
        -value_amount_base
    from {{ ref('int_forwards__contracts') }}
    where
        business_date = {{ business_date() }}
        and contract_state <> 'OUTSTANDING'
),

income as (
    select
        book_id,
        account_id,
        instrument_id,
        case when income_type = 'COUPON' then gross_amount else 0 end as coupon_amount,
        case when income_type = 'COUPON' then gross_amount_base else 0 end as coupon_amount_base,
        case when income_type = 'COUPON' then 0 else gross_amount end - withholding_amount as income_amount,
        case when income_type = 'COUPON' then 0 else gross_amount_base end - withholding_amount_base as income_amount_base,
        -net_amount as paid_amount,
        -net_amount_base as paid_amount_base
    from {{ ref('fct_income') }}
    where business_date = {{ business_date() }}
),

traded as (
    select
        book_id,
        account_id,
        instrument_id,
        {% for flow, movement_type in [
            ('amended', 'AMENDMENT'), ('cancelled', 'CANCELLATION'), ('late', 'LATE'), ('new', 'NEW'),
        ] %}
            coalesce(sum(quantity) filter (where movement_type = '{{ movement_type }}'), 0) as {{ flow }}_quantity,
            coalesce(sum(gross_amount) filter (where movement_type = '{{ movement_type }}'), 0) as {{ flow }}_amount,
            coalesce(sum(gross_amount_base) filter (where movement_type = '{{ movement_type }}'), 0) as {{ flow }}_amount_base,
            coalesce(sum(agreed_amount) filter (where movement_type = '{{ movement_type }}'), 0) as {{ flow }}_agreed,
        {% endfor %}
        sum(accrued_amount) as traded_accrued,
        sum(accrued_amount_base) as traded_accrued_base,
        sum(fee_amount) as fee_amount,
        sum(fee_amount_base) as fee_amount_base
    from trades
    group by book_id, account_id, instrument_id
),

events_summed as (
    select
        book_id,
        account_id,
        instrument_id,
        sum(amount) as event_amount,
        sum(amount_base) as event_amount_base
    from events
    group by book_id, account_id, instrument_id
),

income_summed as (
    select
        book_id,
        account_id,
        instrument_id,
        sum(coupon_amount) as coupon_amount,
        sum(coupon_amount_base) as coupon_amount_base,
        sum(income_amount) as income_amount,
        sum(income_amount_base) as income_amount_base
    from income
    group by book_id, account_id, instrument_id
),

-- what was paid into the securities; income and margin come out of them
paid as (
    {% for flows in ['trades', 'events', 'income'] %}
        select
            book_id,
            account_id,
            instrument_id,
            paid_amount,
            paid_amount_base
        from {{ flows }}
        union all
    {% endfor %}
    select
        book_id,
        account_id,
        instrument_id,
        -margin_amount,
        -margin_amount_base
    from {{ ref('fct_variation_margin') }}
    where business_date = {{ business_date() }}
),

paid_summed as (
    select
        book_id,
        account_id,
        instrument_id,
        sum(paid_amount) as net_cash_in,
        sum(paid_amount_base) as net_cash_in_base
    from paid
    group by book_id, account_id, instrument_id
),

flows_gathered as (
    select
        {{ business_date() }} as business_date,
        paid_summed.book_id,
        paid_summed.account_id,
        paid_summed.instrument_id,
        {% for flow in ['amended', 'cancelled', 'late', 'new'] %}
            coalesce(traded.{{ flow }}_quantity, 0)::numeric(28, 10) as {{ flow }}_quantity,
            coalesce(traded.{{ flow }}_amount, 0)::numeric(24, 4) as {{ flow }}_amount,
            coalesce(traded.{{ flow }}_amount_base, 0)::numeric(24, 4) as {{ flow }}_amount_base,
            coalesce(traded.{{ flow }}_agreed, 0)::numeric(24, 4) as {{ flow }}_agreed,
        {% endfor %}
        coalesce(traded.traded_accrued, 0)::numeric(24, 4) as traded_accrued,
        coalesce(traded.traded_accrued_base, 0)::numeric(24, 4) as traded_accrued_base,
        coalesce(traded.fee_amount, 0)::numeric(24, 4) as fee_amount,
        coalesce(traded.fee_amount_base, 0)::numeric(24, 4) as fee_amount_base,
        coalesce(events_summed.event_amount, 0)::numeric(24, 4) as event_amount,
        coalesce(events_summed.event_amount_base, 0)::numeric(24, 4) as event_amount_base,
        coalesce(income_summed.coupon_amount, 0)::numeric(24, 4) as coupon_amount,
        coalesce(income_summed.coupon_amount_base, 0)::numeric(24, 4) as coupon_amount_base,
        coalesce(income_summed.income_amount, 0)::numeric(24, 4) as income_amount,
        coalesce(income_summed.income_amount_base, 0)::numeric(24, 4) as income_amount_base,
        paid_summed.net_cash_in::numeric(24, 4) as net_cash_in,
        paid_summed.net_cash_in_base::numeric(24, 4) as net_cash_in_base,
        -- what has a result of the day even where nothing is held before or after it
        events_summed.book_id is not null
        or income_summed.book_id is not null
        or coalesce(traded.fee_amount <> 0 or traded.fee_amount_base <> 0, false) as has_result_by_itself
    from paid_summed
    left join traded
        on
            paid_summed.book_id = traded.book_id
            and paid_summed.account_id = traded.account_id
            and paid_summed.instrument_id = traded.instrument_id
    left join events_summed
        on
            paid_summed.book_id = events_summed.book_id
            and paid_summed.account_id = events_summed.account_id
            and paid_summed.instrument_id = events_summed.instrument_id
    left join income_summed
        on
            paid_summed.book_id = income_summed.book_id
            and paid_summed.account_id = income_summed.account_id
            and paid_summed.instrument_id = income_summed.instrument_id
)

select * from flows_gathered
