{{ config(indexes=[{'columns': ['business_date']}]) }}

-- What goes ex today and makes the price of a position another one without a result: a row for each position of today that such an event concerns.
-- New units for old ones restate what was held yesterday by units_factor; what is delivered beside what stays, as in a spin-off, was part of what
-- was held, and counts in its price by delivered_value per unit of today, in the currency of the old instrument. As long as what is delivered
-- has no price, nobody knows. What was traded before that on a day without business, and is new today, was delivered it, too.

with gone_ex as (
    select
        event_id,
        instrument_id,
        account_id,
        book_id,
        ex_date,
        event_rank,
        retained_factor
    from {{ ref('int_corporate_actions__terms_known') }} as terms
    where
        business_date = {{ business_date() }}
        and ex_date > {{ previous_business_date() }}
        and {{ is_split('terms') }}
),

delivered_today as materialized (
    select
        terms.instrument_id,
        terms.account_id,
        terms.book_id,
        terms.ex_date,
        terms.received_units * prices.price * received.contract_size * received_rates.rate
        / (terms.old_units * received.price_divisor * rates.rate * later.factor) as value_per_unit
    from {{ ref('int_corporate_actions__terms_known') }} as terms
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            terms.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    inner join {{ ref('int_reference__instruments_known') }} as received
        on
            terms.received_instrument_id = received.instrument_id
            and received.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_prices') }} as prices
        on
            terms.received_instrument_id = prices.instrument_id
            and prices.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            instruments.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as received_rates
        on
            received.currency_code = received_rates.currency_code
            and received_rates.business_date = {{ business_date() }}
    -- the splits that follow it restate the unit it was for
    cross join lateral (
        select books.product(gone_ex.retained_factor) as factor
        from gone_ex
        where
            gone_ex.instrument_id = terms.instrument_id
            and gone_ex.account_id in ('', terms.account_id)
            and (gone_ex.ex_date, gone_ex.event_rank, gone_ex.event_id) > (terms.ex_date, terms.event_rank, terms.event_id)
    ) as later
    where
        terms.business_date = {{ business_date() }}
        and terms.ex_date > {{ previous_business_date() }}
        and terms.event_type in ('SPIN_OFF', 'RIGHTS_ISSUE')
        and terms.received_instrument_id is not null
),

concerned as (
    select
        positions.book_id,
        positions.account_id,
        positions.instrument_id,
        gone_ex.retained_factor,
        null::numeric as value_per_unit,
        null::numeric as new_quantity
    from gone_ex
    inner join {{ ref('fct_positions') }} as positions
        on
            gone_ex.instrument_id = positions.instrument_id
            and {{ concerns('gone_ex', 'positions') }}
            and positions.business_date = {{ business_date() }}
    -- its ex date was moved to today from one on which it had restated the position already
    where
        not exists (
            select 1
            from {{ ref('fct_corporate_actions') }} as booked
            where
                booked.event_id = gone_ex.event_id
                and booked.book_id = positions.book_id
                and booked.account_id = positions.account_id
                and booked.instrument_id = positions.instrument_id
                and booked.business_date < {{ business_date() }}
            having sum(booked.quantity_change) <> 0
        )
    union all
    select
        positions.book_id,
        positions.account_id,
        positions.instrument_id,
        null,
        delivered_today.value_per_unit,
        (
            select sum(round(movements.quantity * {{ retained_units('movements', is_split('terms')) }}, 10))
            from {{ ref('int_trades__movements') }} as movements
            where
                movements.business_date = {{ business_date() }}
                and movements.movement_type = 'NEW'
                and movements.trade_date < delivered_today.ex_date
                and movements.book_id = positions.book_id
                and movements.account_id = positions.account_id
                and movements.instrument_id = positions.instrument_id
        )
    from delivered_today
    inner join {{ ref('fct_positions') }} as positions
        on
            delivered_today.instrument_id = positions.instrument_id
            and {{ concerns('delivered_today', 'positions') }}
            and positions.business_date = {{ business_date() }}
),

openings_restated as (
    select
        {{ business_date() }} as business_date,
        book_id,
        account_id,
        instrument_id,
        books.product(retained_factor) as units_factor,
        coalesce(sum(value_per_unit), 0) as delivered_value,
        coalesce(sum(value_per_unit * new_quantity), 0)::numeric(34, 10) as delivered_to_new_amount
    from concerned
    group by book_id, account_id, instrument_id
)

select * from openings_restated
