-- Where our settled positions and cash differ from the custodian's and the bank's statement of the same date.
-- Only accounts that sent a statement for the date are compared: silence is not a zero.

with custodian as (
    select
        account_id,
        instrument_id,
        settled_quantity
    from (
        select distinct on (account_id, instrument_id, statement_date) *
        from {{ ref('stg_books__custodian_positions') }}
        where business_date <= {{ business_date() }} and statement_date = {{ business_date() }}
        order by account_id, instrument_id, statement_date, business_date desc, revision desc
    ) as known
),

bank as (
    select
        cash_account_id,
        currency_code,
        closing_balance_amount
    from (
        select distinct on (cash_account_id, statement_date) *
        from {{ ref('stg_books__bank_balances') }}
        where business_date <= {{ business_date() }} and statement_date = {{ business_date() }}
        order by cash_account_id, statement_date, business_date desc, revision desc
    ) as known
),

ours as (
    select
        account_id,
        instrument_id,
        sum(quantity) as quantity
    from {{ ref('int_positions__settled') }}
    where
        business_date = {{ business_date() }}
        and account_id in (select custodian.account_id from custodian)
    group by account_id, instrument_id
),

position_breaks as (
    select
        'POSITION'::text as break_type,
        coalesce(ours.account_id, custodian.account_id) as account_id,
        coalesce(ours.instrument_id, custodian.instrument_id) as instrument_id,
        ''::text as cash_account_id,
        ''::text as currency_code,
        coalesce(ours.quantity, 0) as our_amount,
        coalesce(custodian.settled_quantity, 0) as their_amount
    from ours
    full outer join custodian
        on ours.account_id = custodian.account_id and ours.instrument_id = custodian.instrument_id
    where coalesce(ours.quantity, 0) <> coalesce(custodian.settled_quantity, 0)
),

cash_breaks as (
    select
        'CASH'::text as break_type,
        ''::text as account_id,
        ''::text as instrument_id,
        bank.cash_account_id,
        bank.currency_code,
        coalesce(balances.settled_amount, 0) as our_amount,
        bank.closing_balance_amount as their_amount
    from bank
    left join {{ ref('fct_cash_balances') }} as balances
        on
            bank.cash_account_id = balances.cash_account_id
            and bank.currency_code = balances.currency_code
            and balances.business_date = {{ business_date() }}
    where coalesce(balances.settled_amount, 0) <> bank.closing_balance_amount
),

found as (
    select
        *,
        md5(break_type || '|' || account_id || '|' || instrument_id || '|' || cash_account_id || '|' || currency_code) as break_id
    from (
        select * from position_breaks
        union all
        select * from cash_breaks
    ) as both_kinds
),

opening as (
    {% if is_incremental() %}
        select break_id, first_business_date from {{ this }} where business_date = {{ previous_business_date() }}
    {% else %}
        select ''::text as break_id, null::date as first_business_date where false
    {% endif %}
),

breaks as (
    select
        {{ business_date() }} as business_date,
        found.break_id,
        found.break_type,
        found.account_id,
        found.instrument_id,
        found.cash_account_id,
        found.currency_code,
        found.our_amount::numeric(28, 10) as our_amount,
        found.their_amount::numeric(28, 10) as their_amount,
        (found.our_amount - found.their_amount)::numeric(28, 10) as difference_amount,
        coalesce(opening.first_business_date, {{ business_date() }}) as first_business_date,
        {{ business_date() }} - coalesce(opening.first_business_date, {{ business_date() }}) as age_days
    from found
    left join opening on found.break_id = opening.break_id
)

select * from breaks
