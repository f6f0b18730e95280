-- Debits and credits of every date cancel out, in each currency and in base currency.
select
    business_date,
    currency_code
from {{ ref('rpt_trial_balance') }}
group by business_date, currency_code
having sum(balance_amount) <> 0 or (select sum(b.balance_amount_base) from {{ ref('rpt_trial_balance') }} as b) <> 0
