-- Opening and movements come from yesterday's balances and today's lines, the trial balance from today's balances.
with ledger as (
    select
        business_date,
        gl_account,
        currency_code,
        sum(closing_amount) as closing_amount,
        sum(closing_amount_base) as closing_amount_base
    from {{ ref('rpt_general_ledger') }}
    group by business_date, gl_account, currency_code
)

select
    coalesce(ledger.business_date, balances.business_date) as business_date,
    coalesce(ledger.gl_account, balances.gl_account) as gl_account,
    coalesce(ledger.currency_code, balances.currency_code) as currency_code
from ledger
full join {{ ref('rpt_trial_balance') }} as balances
    on
        ledger.business_date = balances.business_date
        and ledger.gl_account = balances.gl_account
        and ledger.currency_code = balances.currency_code
where
    coalesce(ledger.closing_amount, 0) <> coalesce(balances.balance_amount, 0)
    or coalesce(ledger.closing_amount_base, 0) <> coalesce(balances.balance_amount_base, 0)
