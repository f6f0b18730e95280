{{ config(materialized='table', unlogged=true) }}

-- Instruments that an event ever turned into one another, and those linked through others; link_id names the group. An instrument of which an
-- event pays fractions is linked to itself at least: its group is worked out for all books of an account together.

with recursive links as (
    select
        instrument_id,
        received_instrument_id
    from {{ ref('stg_books__corporate_actions') }}
    where
        received_instrument_id is not null
        and business_date <= {{ business_date() }}
    union
    select
        instrument_id,
        instrument_id
    from {{ ref('stg_books__corporate_actions') }}
    where
        fraction_price is not null
        and business_date <= {{ business_date() }}
),

reached as (
    select
        instrument_id,
        received_instrument_id as linked_instrument_id
    from links
    union
    select
        received_instrument_id,
        instrument_id
    from links
    union
    select
        reached.instrument_id,
        both_ways.linked_instrument_id
    from reached
    inner join (
        select
            instrument_id,
            received_instrument_id as linked_instrument_id
        from links
        union all
        select
            received_instrument_id,
            instrument_id
        from links
    ) as both_ways on reached.linked_instrument_id = both_ways.instrument_id
),

named as (
    select
        reached.instrument_id,
        reached.linked_instrument_id,
        min(reached.linked_instrument_id) over (partition by reached.instrument_id) as link_id
    from reached
)

select
    named.*,
    bool_or(
        named.instrument_id in (
            select events.instrument_id from {{ ref('stg_books__corporate_actions') }} as events
            where
                events.fraction_price is not null
                and events.business_date <= {{ business_date() }}
        )
    ) over (partition by named.link_id) as is_by_account
from named
