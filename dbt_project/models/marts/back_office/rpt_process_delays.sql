{{ config(materialized='view') }}

-- How long each step of the chain took to follow the one before, per business date: delay is measured where the books are.

with recorded as (
    select
        business_date,
        min(known_at) as first_trade_at,
        max(known_at) as last_trade_at
    from {{ ref('stg_books__trade_versions') }}
    group by business_date
),

instructed as (
    select
        business_date,
        max(known_at) as last_instruction_at
    from {{ ref('stg_operations__settlement_instructions') }}
    group by business_date
),

posted as (
    select
        business_date,
        max(known_at) as last_entry_at
    from {{ ref('stg_ledger__journal_entries') }}
    group by business_date
),

closed as (
    select
        business_date,
        known_at as closed_at
    from {{ ref('stg_operations__day_closings') }}
),

process_delays as (
    select
        recorded.business_date,
        recorded.first_trade_at,
        recorded.last_trade_at,
        instructed.last_instruction_at,
        posted.last_entry_at,
        closed.closed_at,
        (extract(epoch from closed.closed_at - recorded.first_trade_at))::numeric(14, 3) as close_seconds
    from recorded
    left join instructed on recorded.business_date = instructed.business_date
    left join posted on recorded.business_date = posted.business_date
    left join closed on recorded.business_date = closed.business_date
)

select * from process_delays
