-- Every income event whose entitlements the business date has to settle: it goes ex today, was announced, amended or
-- withdrawn today after its ex date, or a trade dated before its ex date was booked or taken back today.

with announcements as (
    select * from {{ as_known(ref('stg_books__corporate_actions'), ['event_id']) }} as known
),

dividends as (
    select
        event_id,
        'DIVIDEND'::text as income_type,
        instrument_id,
        ex_date,
        pay_date,
        case when event_status = 'WITHDRAWN' then 0 else amount_per_unit end as amount_per_unit,
        business_date as announced_date
    from announcements
    where
        ex_date <= {{ business_date() }}
        and event_type in ('CASH_DIVIDEND', 'SPECIAL_DIVIDEND')
),

coupons as (
    select
        'CPN:' || instruments.instrument_id || ':' || to_char(coupons.coupon_date, 'YYYY-MM-DD') as event_id,
        'COUPON'::text as income_type,
        instruments.instrument_id,
        cycles.trade_date as ex_date,
        coupons.pay_date,
        coupons.coupon_percent / 100 as amount_per_unit,
        cycles.trade_date as announced_date
    from {{ ref('int_reference__instruments_known') }} as instruments
    inner join {{ ref('stg_books__bond_coupons') }} as coupons
        on
            instruments.instrument_id = coupons.instrument_id
            and instruments.terms_sha = coupons.terms_sha
    -- the ex date of a coupon: the first trade date that settles on or after the coupon date
    inner join lateral (
        select min(trade_date) as trade_date
        from {{ ref('stg_books__settlement_cycles') }} as cycles
        where
            cycles.market_mic = instruments.market_mic
            and cycles.settlement_date >= coupons.coupon_date
    ) as cycles on cycles.trade_date is not null
    where
        instruments.business_date = {{ business_date() }}
        and instruments.accrues_interest
        and coupons.coupon_date > {{ business_date() }} - 40
        and coupons.coupon_date <= instruments.standard_settlement_date
        and cycles.trade_date <= {{ business_date() }}
),

events as (
    select * from dividends
    union all
    select * from coupons
),

moved as (
    select
        instrument_id,
        min(trade_date) as earliest_trade_date
    from {{ ref('int_trades__movements') }}
    where business_date = {{ business_date() }}
    group by instrument_id
),

events_gone_ex as (
    select
        {{ business_date() }} as business_date,
        events.event_id,
        events.income_type,
        events.instrument_id,
        events.ex_date,
        events.pay_date,
        events.amount_per_unit::numeric(28, 12) as amount_per_unit,
        (
            select max(days.business_date)
            from {{ ref('stg_books__business_days') }} as days
            where days.business_date < events.ex_date
        ) as cum_date
    from events
    left join moved on events.instrument_id = moved.instrument_id
    where
        events.ex_date = {{ business_date() }}
        or events.announced_date = {{ business_date() }}
        or moved.earliest_trade_date < events.ex_date
        -- ex on a day that is no business day of the firm: the first business date after it
        or events.ex_date > {{ previous_business_date() }}
)

select * from events_gone_ex
