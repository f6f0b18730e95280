{{ config(materialized='view') }}

with last_events as (
    select distinct on (alert_id)
        alert_id,
        event,
        actor
    from {{ ref('stg_operations__alert_events') }}
    order by alert_id, event_no desc
),

alerts as (
    select
        alerts.alert_id,
        alerts.control_id,
        alerts.severity,
        alerts.owner,
        alerts.business_date,
        alerts.cause_key,
        alerts.message,
        case coalesce(last_events.event, 'REOPENED')
            when 'REOPENED' then 'OPEN'
            else last_events.event
        end as alert_status,
        last_events.actor as last_actor
    from {{ ref('stg_operations__alerts') }} as alerts
    left join last_events on alerts.alert_id = last_events.alert_id
)

select * from alerts
