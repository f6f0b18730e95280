{{ config(indexes=[{'columns': ['trade_id']}]) }}

-- The state a trade was left in by the events of a business date, and by what was released on it. The versions that count decide;
-- a trade without any that does is held beyond the posting cut-off, or waits for the terms its amounts follow from.

with recorded_today as (
    select *
    from {{ ref('stg_books__trade_versions') }}
    where business_date = {{ business_date() }}
),

-- A correction that waited under its own execution and has since been recorded in the trade it corrects.
joined as (
    select
        waited.trade_id,
        min(recorded.business_date) as joined_date
    from {{ ref('stg_books__trade_versions') }} as waited
    inner join {{ ref('stg_books__trade_versions') }} as recorded
        on
            waited.execution_id = recorded.execution_id
            and waited.file_id = recorded.file_id
            and waited.line_no = recorded.line_no
            and waited.version < recorded.version
    where
        waited.source_system = 'FIX'
        and recorded.source_system = 'FIX'
        and recorded.business_date <= {{ business_date() }}
    group by waited.trade_id
),

touched as (
    select trade_id from recorded_today
    union
    select trade_id from joined where joined_date = {{ business_date() }}
    union
    select trade_id
    from {{ ref('stg_operations__trade_releases') }}
    where business_date = {{ business_date() }}
    union
    select trade_id
    from {{ ref('stg_books__trades_held_for_terms') }}
    where found_date = {{ business_date() }}
    union
    -- also those whose interest was told otherwise
    select trade_id
    from {{ ref('int_trades__movements') }}
    where
        business_date = {{ business_date() }}
        and movement_sign = -1
),

known as (
    select
        versions.*,
        beyond.trade_id is null or coalesce(beyond.released_date <= {{ business_date() }}, false) as is_in_force,
        held.trade_id is null as has_terms,
        coalesce(decisions.decision = 'REFUSED', false) as is_refused
    from touched
    inner join {{ ref('stg_books__trade_versions') }} as versions on touched.trade_id = versions.trade_id
    left join {{ ref('stg_operations__trade_events_beyond_cutoff') }} as beyond
        on versions.trade_id = beyond.trade_id and versions.version = beyond.version
    left join {{ ref('stg_operations__trade_releases') }} as decisions
        on
            versions.trade_id = decisions.trade_id
            and versions.version = decisions.version
            and decisions.business_date <= {{ business_date() }}
    left join {{ ref('stg_books__trades_held_for_terms') }} as held
        on
            versions.trade_id = held.trade_id
            and versions.version = held.version
            and held.business_date <= {{ business_date() }}
            and coalesce(held.found_date > {{ business_date() }}, true)
    where versions.business_date <= {{ business_date() }}
),

-- Without its original in force nothing of a trade is.
versions as (
    select *
    from (
        select
            known.*,
            bool_or(is_in_force) over of_trade as has_version_in_force,
            bool_or(is_in_force and has_terms and event_type <> 'CANCEL') over of_trade as has_version_with_terms,
            bool_or(version = 1) over of_trade as has_original,
            bool_or(version = 1 and is_in_force) over of_trade as has_original_in_force
        from known
        window of_trade as (partition by trade_id)
    ) as judged
    where (is_in_force or not has_version_in_force) and (has_terms or not has_version_with_terms)
),

-- One pass over the versions of each trade. A cancellation carries no economics: the trade keeps those of the version before.
ranked as (
    select
        versions.*,
        first_value(version) over by_version as last_version,
        first_value(event_type) over by_version as last_event_type,
        first_value(file_id) over by_version as last_file_id,
        first_value(line_no) over by_version as last_line_no,
        first_value(is_refused) over by_version as is_last_refused,
        max(version) filter (where event_type <> 'CANCEL') over of_trade as economic_version,
        -- for good, but for an allocation, which comes and goes with the divisions of its block
        bool_or(is_in_force and event_type = 'CANCEL' and block_trade_id is null) over of_trade as is_cancelled
    from versions
    window
        of_trade as (partition by trade_id),
        by_version as (partition by trade_id order by version desc)
),

states as (
    select *
    from ranked
    where version = coalesce(economic_version, last_version)
),

trades as (
    select
        {{ business_date() }} as business_date,
        states.trade_id,
        states.last_version as version,
        states.last_event_type as event_type,
        case
            when not states.has_original and joined.trade_id is not null then 'JOINED'
            when not states.has_original then 'WAITING'
            when not states.has_original_in_force and states.is_last_refused then 'REFUSED'
            when not states.has_original_in_force then 'HELD'
            when states.is_cancelled or states.last_event_type = 'CANCEL' then 'CANCELLED'
            when not states.has_terms then 'WITHOUT_TERMS'
            when states.is_block then 'BLOCK'
            else 'ACTIVE'
        end as trade_status,
        states.source_system,
        states.block_trade_id,
        states.book_id,
        states.account_id,
        states.trader_id,
        states.counterparty_id,
        states.instrument_id,
        states.trade_date,
        states.executed_at,
        coalesce(booked.settlement_date, states.settlement_date) as settlement_date,
        states.quantity::numeric(28, 10) as quantity,
        states.price::numeric(28, 10) as price,
        booked.gross_amount::numeric(24, 4) as gross_amount,
        booked.accrued_amount::numeric(24, 4) as accrued_amount,
        booked.fee_amount::numeric(24, 4) as fee_amount,
        booked.net_amount::numeric(24, 4) as net_amount,
        states.currency_code,
        states.last_file_id as file_id,
        states.last_line_no as line_no
    from states
    left join joined on states.trade_id = joined.trade_id
    left join {{ ref('int_trades__movements') }} as booked
        on
            states.trade_id = booked.trade_id
            and states.version = booked.trade_version
            and booked.movement_sign = 1
            and booked.business_date <= {{ business_date() }}
            and not exists (
                select 1 from {{ ref('int_trades__movements') }} as booked_anew
                where
                    booked_anew.trade_id = booked.trade_id
                    and booked_anew.trade_version = booked.trade_version
                    and booked_anew.movement_sign = 1
                    and booked_anew.business_date > booked.business_date
                    and booked_anew.business_date <= {{ business_date() }}
            )
)

select * from trades
