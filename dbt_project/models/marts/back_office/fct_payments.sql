{{ config(materialized='view') }}

with payments as (
    select
        payments.payment_id,
        case
            when releases.payment_id is not null then 'RELEASED'
            when withdrawals.payment_id is not null then 'WITHDRAWN'
            when held.payment_id is not null then 'HELD'
            when decisions.decision is not null then decisions.decision
            else 'WAITING'
        end as payment_status,
        payments.entitlement_id,
        payments.client_id,
        payments.account_id,
        payments.book_id,
        payments.instrument_id,
        payments.payment_no,
        payments.amount,
        payments.currency_code,
        coalesce(dates.pay_date, payments.pay_date) as pay_date,
        payments.maker,
        decisions.checker,
        payments.business_date,
        releases.business_date as released_date
    from {{ ref('stg_operations__payments') }} as payments
    left join {{ latest_revision(ref('stg_operations__payment_dates'), ['payment_id']) }} as dates on payments.payment_id = dates.payment_id
    left join {{ ref('stg_operations__payment_decisions') }} as decisions on payments.payment_id = decisions.payment_id
    left join {{ ref('stg_operations__payment_releases') }} as releases on payments.payment_id = releases.payment_id
    left join {{ ref('stg_operations__payment_withdrawals') }} as withdrawals on payments.payment_id = withdrawals.payment_id
    left join {{ ref('stg_operations__held_payments') }} as held on payments.payment_id = held.payment_id
)

select * from payments
