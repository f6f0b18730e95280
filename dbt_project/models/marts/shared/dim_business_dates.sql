{{ config(post_hook=known_at_functions()) }}

with business_dates as (
    select
        days.business_date,
        days.previous_business_date,
        -- a closed date keeps what its books were made by; the calendar may have been told otherwise since
        coalesce(
            lead(days.business_date) over (order by days.business_date), days.next_business_date
        ) as next_business_date,
        closings.business_date is not null as is_closed,
        closings.known_at as closed_at,
        to_char(days.business_date, 'YYYY-MM') as period,
        periods.period is not null as is_period_closed
    from {{ ref('stg_books__business_days') }} as days
    left join {{ ref('stg_operations__day_closings') }} as closings on days.business_date = closings.business_date
    left join {{ ref('stg_ledger__period_closings') }} as periods on to_char(days.business_date, 'YYYY-MM') = periods.period
)

select * from business_dates
