{{ config(materialized='view') }}

with trial_balance as (
    select
        business_date,
        gl_account,
        currency_code,
        sum(balance_amount)::numeric(24, 4) as balance_amount,
        sum(balance_amount_base)::numeric(24, 4) as balance_amount_base
    from {{ ref('int_accounting__balances_carried') }}
    group by business_date, gl_account, currency_code
)

select * from trial_balance
