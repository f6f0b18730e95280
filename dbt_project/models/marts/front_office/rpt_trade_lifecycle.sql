-- Where each trade stands now and what holds it.

with last_states as (
    select distinct on (trade_id) *
    from {{ ref('fct_trades') }}
    order by trade_id, business_date desc
),

settlement_states as (
    select distinct on (settlements.trade_id)
        settlements.trade_id,
        settlements.settlement_status,
        settlements.reason_code,
        settlements.days_late
    from {{ ref('fct_settlements') }} as settlements
    inner join {{ ref('stg_operations__settlement_instructions') }} as instructions
        on settlements.instruction_id = instructions.instruction_id
    left join {{ ref('stg_operations__instructions_withdrawn') }} as withdrawn
        on settlements.instruction_id = withdrawn.instruction_id
    where settlements.function = 'NEWM' and withdrawn.instruction_id is null
    -- of those that left the house the last stands
    order by settlements.trade_id, instructions.business_date desc, instructions.known_at desc, settlements.business_date desc
),

trade_lifecycle as (
    select
        trades.trade_id,
        trades.version,
        trades.trade_status,
        trades.source_system,
        trades.book_id,
        trades.account_id,
        trades.trader_id,
        trades.counterparty_id,
        trades.instrument_id,
        trades.trade_date,
        trades.settlement_date,
        trades.business_date,
        case
            when trades.trade_status = 'WAITING' then 'WAITING FOR ORIGINAL'
            when trades.trade_status = 'WITHOUT_TERMS' then 'WAITING FOR TERMS'
            when trades.trade_status in ('BLOCK', 'CANCELLED', 'JOINED', 'HELD', 'REFUSED') then trades.trade_status
            when undelivered.instrument_id is not null then 'BOOKED'
            when settlements.trade_id is null then 'RECORDED'
            when settlements.settlement_status = 'PENDING' then 'INSTRUCTED'
            else settlements.settlement_status
        end as stage,
        case
            when trades.trade_status = 'WAITING' then 'front office: the NEW event has not come'
            when trades.trade_status = 'HELD' then 'middle office: beyond the posting cut-off'
            when trades.trade_status = 'WITHOUT_TERMS' then 'middle office: ' || waiting.reason
            when trades.trade_status = 'ACTIVE' and settlements.trade_id is null and undelivered.instrument_id is null
                then 'back office: no instruction yet'
            when settlements.settlement_status in ('FAILED', 'PARTIAL') then 'custodian: ' || coalesce(settlements.reason_code, 'no reason given')
        end as held_by,
        coalesce(settlements.days_late, 0) as days_late
    from last_states as trades
    left join settlement_states as settlements on trades.trade_id = settlements.trade_id
    left join {{ ref('stg_books__trades_held_for_terms') }} as waiting
        on trades.trade_id = waiting.trade_id and trades.version = waiting.version and trades.trade_status = 'WITHOUT_TERMS'
    left join {{ ref('stg_books__undelivered_instruments') }} as undelivered on trades.instrument_id = undelivered.instrument_id
)

select * from trade_lifecycle
