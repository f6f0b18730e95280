{{ config(materialized='table', unlogged=true) }}

-- The events gone ex that change positions, as known on the business date, in the terms that lots, positions and results need: what is
-- paid in cash, what stays, and what is received instead. A withdrawn event is one that changes nothing. The redemptions of bonds, the
-- expiries of futures and options and the maturities of currency forwards come from the terms of the instruments.

with known_now as (
    select * from {{ announcements_known() }} as known
),

-- What an option delivers is counted in the units of its underlying, and paid at the strike as prices of the underlying are stated. An
-- exercise of before a split of the option, or of its underlying, is one on the terms known before it.
exercises as (
    select
        exercised.event_id,
        -- a put delivers the underlying the other way round
        case when stated.option_type = 'PUT' then -1 else 1 end * stated.contract_size / underlyings.contract_size as exercised_units,
        case when stated.option_type = 'PUT' then -1 else 1 end * stated.strike_price * stated.contract_size / underlyings.price_divisor
            as exercised_amount,
        underlyings.settles_daily
    from known_now as exercised
    inner join {{ ref('int_reference__instruments_known') }} as underlyings
        on
            exercised.received_instrument_id = underlyings.instrument_id
            and underlyings.business_date = {{ business_date() }}
    cross join lateral (
        select coalesce(min(splits.ex_date), 'infinity'::date) as ex_date
        from known_now as splits
        where
            splits.instrument_id in (exercised.instrument_id, exercised.received_instrument_id)
            and splits.event_type in ('SPLIT', 'REVERSE_SPLIT', 'STOCK_DIVIDEND')
            and splits.event_status <> 'WITHDRAWN'
            and splits.ex_date > exercised.ex_date
    ) as split_later
    inner join lateral (
        select
            option_type,
            strike_price,
            contract_size
        from {{ ref('stg_books__instruments') }} as versions
        where
            versions.instrument_id = exercised.instrument_id
            and versions.business_date <= {{ business_date() }}
        -- if the option came on record after the split, its terms are those it came with
        order by versions.business_date < split_later.ex_date desc, versions.business_date desc, versions.revision desc
        limit 1
    ) as stated on true
    where exercised.event_type = 'OPTION_EXERCISE'
),

announcements as (
    select
        known_now.*,
        exercises.exercised_units,
        exercises.exercised_amount,
        -- what is paid every day has no cost that a premium could become: it is realised
        coalesce(exercises.settles_daily, false) as is_premium_realised
    from known_now
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            known_now.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    left join exercises on known_now.event_id = exercises.event_id
),

announced as (
    select
        event_id,
        instrument_id,
        event_type,
        coalesce(account_id, '') as account_id,
        coalesce(book_id, '') as book_id,
        ex_date,
        pay_date,
        event_status = 'WITHDRAWN' as is_withdrawn,
        business_date as announced_date,
        case
            when event_type in ('SPLIT', 'REVERSE_SPLIT', 'STOCK_DIVIDEND') then new_units
            when event_type in ('MERGER', 'RIGHTS_LAPSE', 'RIGHTS_EXERCISE', 'OPTION_EXERCISE') then 0
            else coalesce(old_units, 1)
        end as new_units,
        coalesce(old_units, 1) as old_units,
        case
            when event_type in ('REDEMPTION', 'CALL', 'RIGHTS_LAPSE', 'CASH_EXERCISE') or is_premium_realised then 1
            when event_type = 'PARTIAL_REDEMPTION' then redeemed_fraction
            when event_type = 'MERGER' and amount_per_unit is not null then 1
        end as closed_fraction,
        case
            when event_type in ('REDEMPTION', 'CALL', 'PARTIAL_REDEMPTION', 'MERGER', 'CASH_EXERCISE') then coalesce(amount_per_unit, 0)
            else 0
        end as cash_per_unit,
        case
            when received_instrument_id is null or is_premium_realised then 0
            when event_type in ('RIGHTS_EXERCISE', 'OPTION_EXERCISE') then 1
            when event_type = 'MERGER' and amount_per_unit is null then 1
            else cost_fraction
        end as cost_moved,
        fraction_price,
        received_instrument_id,
        case
            when event_type = 'OPTION_EXERCISE' then exercised_units
            when received_instrument_id is not null then new_units
        end as received_units,
        case event_type
            when 'RIGHTS_EXERCISE' then amount_per_unit
            when 'OPTION_EXERCISE' then exercised_amount
            else 0
        end as cash_paid_per_unit,
        exercised_quantity,
        case when event_type in ('RIGHTS_EXERCISE', 'OPTION_EXERCISE', 'CASH_EXERCISE') then redeemed_fraction end as exercised_fraction
    from announcements
    where
        ex_date <= {{ business_date() }}
        and event_type not in ('CASH_DIVIDEND', 'SPECIAL_DIVIDEND')
),

repayments as (
    select
        instruments.instrument_id,
        instruments.market_mic,
        coupons.coupon_date,
        coupons.pay_date,
        coupons.redemption_percent,
        100 - coalesce(
            sum(coupons.redemption_percent) over (
                partition by coupons.instrument_id order by coupons.coupon_date rows between unbounded preceding and 1 preceding
            ), 0
        ) as outstanding_percent
    from {{ ref('int_reference__instruments_known') }} as instruments
    inner join {{ ref('stg_books__bond_coupons') }} as coupons
        on
            instruments.instrument_id = coupons.instrument_id
            and instruments.terms_sha = coupons.terms_sha
            and coupons.redemption_percent > 0
    where instruments.business_date = {{ business_date() }}
),

-- A bond trades without the repayment from the first trade date that settles on or after its date.
repayments_gone_ex as (
    select
        repayments.*,
        cycles.trade_date as ex_date
    from repayments
    inner join lateral (
        select min(cycles.trade_date) as trade_date
        from {{ ref('stg_books__settlement_cycles') }} as cycles
        where
            cycles.market_mic = repayments.market_mic
            and cycles.settlement_date >= repayments.coupon_date
    ) as cycles on cycles.trade_date <= {{ business_date() }}
    where
        repayments.coupon_date <= {{ business_date() }} + 40
        -- what was repaid before the firm kept books is none of its events
        and exists (
            select 1 from {{ ref('stg_books__settlement_cycles') }} as earlier
            where
                earlier.market_mic = repayments.market_mic
                and earlier.settlement_date < repayments.coupon_date
        )
),

-- What has not been exercised is worth nothing the day after; a future is closed at the last price it was settled at.
expiries as (
    select
        instruments.instrument_id,
        instruments.expiry_date + 1 as ex_date,
        case
            when instruments.settles_daily then coalesce(prices.price * instruments.contract_size / instruments.price_divisor, 0)
            else 0
        end as cash_per_unit
    from {{ ref('int_reference__instruments_known') }} as instruments
    left join lateral (
        select published.price
        from {{ ref('stg_books__prices') }} as published
        where
            instruments.settles_daily
            and published.instrument_id = instruments.instrument_id
            and published.price_date <= instruments.expiry_date
            and published.business_date <= {{ business_date() }}
        order by published.price_date desc, published.business_date desc, published.revision desc
        limit 1
    ) as prices on true
    where
        instruments.business_date = {{ business_date() }}
        and instruments.expiry_date < {{ business_date() }}
),

-- A currency forward is gone on its date, closed at what the notional currency is worth then.
maturities as (
    select
        instruments.instrument_id,
        instruments.maturity_date,
        {{ spot_rate('notional_rates.rate', 'rates.rate') }} * instruments.contract_size / instruments.price_divisor as cash_per_unit
    from {{ ref('int_reference__instruments_known') }} as instruments
    left join lateral {{ rate_from('instruments.currency_code', 'instruments.maturity_date') }} as rates on true
    left join lateral {{ rate_from('instruments.notional_currency_code', 'instruments.maturity_date') }} as notional_rates on true
    where
        instruments.business_date = {{ business_date() }}
        and instruments.exchanges_at_maturity
        and instruments.maturity_date <= {{ business_date() }}
),

events as (
    select * from announced
    union all
    select
        'MAT:' || instrument_id,
        instrument_id,
        'MATURITY',
        '',
        '',
        maturity_date,
        maturity_date,
        false,
        maturity_date,
        1,
        1,
        1,
        cash_per_unit,
        0,
        null,
        null,
        null,
        0,
        null,
        null
    from maturities
    union all
    select
        'EXP:' || instrument_id,
        instrument_id,
        'EXPIRY',
        '',
        '',
        ex_date,
        ex_date,
        false,
        ex_date,
        1,
        1,
        1,
        cash_per_unit,
        0,
        null,
        null,
        null,
        0,
        null,
        null
    from expiries
    union all
    select
        'RED:' || instrument_id || ':' || to_char(coupon_date, 'YYYY-MM-DD'),
        instrument_id,
        case when redemption_percent < outstanding_percent then 'PARTIAL_REDEMPTION' else 'REDEMPTION' end,
        '',
        '',
        ex_date,
        pay_date,
        false,
        ex_date,
        1,
        1,
        least(redemption_percent / outstanding_percent, 1),
        1,
        0,
        null,
        null,
        null,
        0,
        null,
        null
    from repayments_gone_ex
),

-- Of the events of one date, one that delivers an instrument comes before those on that instrument. Where two deliver each other's, what is
-- issued beside the holding comes before what takes it away: rights are there before they are exercised.
deliveries as (
    select
        row_number() over (order by ex_date, instrument_id, received_instrument_id, stays) as delivery_no,
        deliveries.*
    from (
        select distinct
            ex_date,
            instrument_id,
            received_instrument_id,
            new_units <> 0 as stays
        from events
        where not is_withdrawn
    ) as deliveries
),

ranks as (
    with recursive chains as (
        select
            delivery_no as last_delivery_no,
            delivery_no,
            array[delivery_no] as path
        from deliveries
        union all
        select
            chains.last_delivery_no,
            earlier.delivery_no,
            chains.path || earlier.delivery_no
        from chains
        inner join deliveries on chains.delivery_no = deliveries.delivery_no
        inner join deliveries as earlier
            on
                deliveries.ex_date = earlier.ex_date
                and deliveries.instrument_id = earlier.received_instrument_id
                and not coalesce(deliveries.received_instrument_id = earlier.instrument_id and deliveries.stays, false)
                and earlier.delivery_no <> all(chains.path)
    )

    select
        last_delivery_no as delivery_no,
        max(cardinality(path)) - 1 as event_rank
    from chains
    group by last_delivery_no
),

terms_known as (
    select
        {{ business_date() }} as business_date,
        events.event_id,
        events.event_type,
        events.instrument_id,
        events.account_id,
        events.book_id,
        events.ex_date,
        events.pay_date,
        events.announced_date,
        -- among the events of its ex date; what is left of an expired instrument goes last
        case when events.event_type = 'EXPIRY' then 1000000 else coalesce(ranks.event_rank, 0) end as event_rank,
        case when events.is_withdrawn then 1 else events.new_units end as new_units,
        case when events.is_withdrawn then 1 else events.old_units end as old_units,
        case when not events.is_withdrawn then events.closed_fraction end as closed_fraction,
        events.cash_per_unit,
        case when events.is_withdrawn then 0 else events.cost_moved end as cost_moved,
        case when not events.is_withdrawn then events.fraction_price end as fraction_price,
        case when not events.is_withdrawn then events.received_instrument_id end as received_instrument_id,
        case when not events.is_withdrawn then events.received_units end as received_units,
        events.cash_paid_per_unit,
        -- of the units of before, what is held of the instrument after; how much that is of a number depends on the holding
        case
            when events.is_withdrawn or events.exercised_quantity is not null then 1
            when events.exercised_fraction is not null then 1 - events.exercised_fraction
            else events.new_units / events.old_units * (1 - coalesce(events.closed_fraction, 0))
        end as retained_factor,
        rates.rate as fx_rate,
        received_rates.rate as received_fx_rate,
        instruments.product_line,
        received.product_line as received_product_line,
        -- told for all that is held, it holds for so much, or for this part of it
        case when not events.is_withdrawn then events.exercised_quantity end as exercised_quantity,
        case when not events.is_withdrawn then events.exercised_fraction end as exercised_fraction
    from events
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            events.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    left join deliveries
        on
            events.ex_date = deliveries.ex_date
            and events.instrument_id = deliveries.instrument_id
            and events.received_instrument_id is not distinct from deliveries.received_instrument_id
            and (events.new_units <> 0) = deliveries.stays
            and not events.is_withdrawn
    left join ranks on deliveries.delivery_no = ranks.delivery_no
    -- at the rates of the first business date that has the event
    left join lateral {{ rate_from('instruments.currency_code', 'events.ex_date') }} as rates on true
    left join {{ ref('int_reference__instruments_known') }} as received
        on
            events.received_instrument_id = received.instrument_id
            and received.business_date = {{ business_date() }}
    left join lateral {{ rate_from('received.currency_code', 'events.ex_date') }} as received_rates on true
)

select * from terms_known
