-- What went wrong, counted by cause, for the office that can mend it.

with causes as (
    select
        business_date,
        'front office'::text as office,
        'rejected row: ' || reason_code as cause
    from {{ ref('stg_operations__exceptions') }}
    union all
    select
        business_date,
        'front office'::text as office,
        'amended or cancelled trade' as cause
    from {{ ref('stg_books__trade_versions') }}
    where version > 1
    union all
    select
        business_date,
        'back office'::text as office,
        'settlement ' || lower(status) || ': ' || coalesce(reason_code, 'no reason given') as cause
    from {{ ref('stg_operations__settlement_statuses') }}
    where status in ('FAILED', 'PARTIAL')
    union all
    select
        business_date,
        'back office'::text as office,
        'break: ' || lower(break_type) as cause
    from {{ ref('fct_breaks') }}
),

problem_causes as (
    select
        business_date,
        office,
        cause,
        count(*) as problem_count
    from causes
    group by business_date, office, cause
)

select * from problem_causes
