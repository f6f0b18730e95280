with business_dates as (
    select
        days.business_date,
        days.previous_business_date,
        days.next_business_date,
        closings.business_date is not null as is_closed
    from {{ ref('stg_books__business_days') }} as days
    left join {{ ref('stg_operations__day_closings') }} as closings on days.business_date = closings.business_date
)

select * from business_dates
