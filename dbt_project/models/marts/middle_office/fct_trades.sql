{{ config(indexes=[{'columns': ['trade_id']}]) }}

-- The state a trade was left in by the events of a business date.

with touched as (
    select distinct trade_id
    from {{ ref('stg_books__trade_versions') }}
    where business_date = {{ business_date() }}
),

versions as (
    select versions.*
    from {{ ref('stg_books__trade_versions') }} as versions
    inner join touched on versions.trade_id = touched.trade_id
    where versions.business_date <= {{ business_date() }}
),

last_events as (
    select distinct on (trade_id)
        trade_id,
        version,
        event_type,
        source_system,
        file_id,
        line_no
    from versions
    order by trade_id, version desc
),

originals as (
    select trade_id from versions where version = 1
),

-- A cancellation carries no economics: the trade keeps those of the version it cancels.
last_economics as (
    select distinct on (trade_id) *
    from versions
    where event_type <> 'CANCEL'
    order by trade_id, version desc
),

booked as (
    select *
    from {{ ref('int_trades__movements') }}
    where
        movement_sign = 1
        and business_date <= {{ business_date() }}
        and trade_id in (select touched.trade_id from touched)
),

trades as (
    select
        {{ business_date() }} as business_date,
        last_events.trade_id,
        last_events.version,
        last_events.event_type,
        case
            when originals.trade_id is null then 'WAITING'
            when last_events.event_type = 'CANCEL' then 'CANCELLED'
            else 'ACTIVE'
        end as trade_status,
        last_events.source_system,
        economics.book_id,
        economics.account_id,
        economics.trader_id,
        economics.counterparty_id,
        economics.instrument_id,
        economics.trade_date,
        economics.executed_at,
        coalesce(booked.settlement_date, economics.settlement_date) as settlement_date,
        economics.quantity::numeric(28, 10) as quantity,
        economics.price::numeric(28, 10) as price,
        booked.gross_amount::numeric(24, 4) as gross_amount,
        booked.accrued_amount::numeric(24, 4) as accrued_amount,
        booked.fee_amount::numeric(24, 4) as fee_amount,
        booked.net_amount::numeric(24, 4) as net_amount,
        economics.currency_code,
        last_events.file_id,
        last_events.line_no
    from last_events
    left join originals on last_events.trade_id = originals.trade_id
    left join last_economics as economics on last_events.trade_id = economics.trade_id
    left join booked
        on
            economics.trade_id = booked.trade_id
            and economics.version = booked.trade_version
)

select * from trades
