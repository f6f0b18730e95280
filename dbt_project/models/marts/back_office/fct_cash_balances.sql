-- What should stand on each cash account: settled trades, income and the cash of events on their pay date, payments that left.

with opening as (
    {% if is_incremental() %}
        select
            cash_account_id,
            currency_code,
            settled_amount as amount
        from {{ this }}
        where business_date = {{ previous_business_date() }}
    {% else %}
        select
            ''::text as cash_account_id,
            ''::text as currency_code,
            0::numeric as amount
        where false
    {% endif %}
),

settled as (
    select
        instructions.cash_account_id,
        instructions.currency_code,
        statuses.settled_amount as amount
    from {{ ref('stg_operations__settlement_statuses') }} as statuses
    inner join {{ ref('stg_operations__settlement_instructions') }} as instructions
        on statuses.instruction_id = instructions.instruction_id
    where statuses.business_date = {{ business_date() }}
),

standing_instructions as (
    select * from {{ as_known(ref('stg_books__standing_instructions'), ['account_id', 'currency_code']) }} as known
),

income_paid as (
    select
        standing_instructions.cash_account_id,
        income.currency_code,
        income.net_amount as amount
    from {{ ref('fct_income') }} as income
    inner join standing_instructions
        on
            income.account_id = standing_instructions.account_id
            and income.currency_code = standing_instructions.currency_code
    where
        income.business_date <= {{ business_date() }}
        and greatest(income.pay_date, income.business_date) <= {{ business_date() }}
        and greatest(income.pay_date, income.business_date) > coalesce({{ previous_business_date() }}, '-infinity'::date)
),

events_paid as (
    select
        standing_instructions.cash_account_id,
        actions.cash_currency_code as currency_code,
        actions.cash_amount as amount
    from {{ ref('fct_corporate_actions') }} as actions
    inner join standing_instructions
        on
            actions.account_id = standing_instructions.account_id
            and actions.cash_currency_code = standing_instructions.currency_code
    where
        actions.business_date <= {{ business_date() }}
        and greatest(actions.pay_date, actions.business_date) <= {{ business_date() }}
        and greatest(actions.pay_date, actions.business_date) > coalesce({{ previous_business_date() }}, '-infinity'::date)
),

-- What no custodian confirms is paid on the date agreed.
paid_on_value_date as (
    select
        standing_instructions.cash_account_id,
        sides.currency_code,
        sides.amount
    from {{ ref('int_trades__movements') }} as movements
    cross join lateral (
        values
        (movements.currency_code, movements.net_amount),
        (movements.exchanged_currency_code, movements.exchanged_amount)
    ) as sides (currency_code, amount)
    inner join standing_instructions
        on
            movements.account_id = standing_instructions.account_id
            and sides.currency_code = standing_instructions.currency_code
    where
        movements.instrument_id in (
            select instruments.instrument_id from {{ ref('int_reference__instruments_known') }} as instruments
            where
                instruments.business_date = {{ business_date() }}
                and not instruments.is_delivered
                and not instruments.settles_daily
        )
        and movements.business_date <= {{ business_date() }}
        and greatest(movements.settlement_date, movements.business_date) <= {{ business_date() }}
        and greatest(movements.settlement_date, movements.business_date) > coalesce({{ previous_business_date() }}, '-infinity'::date)
),

margin_paid as (
    select
        standing_instructions.cash_account_id,
        margin.currency_code,
        margin.net_amount as amount
    from {{ ref('fct_variation_margin') }} as margin
    inner join standing_instructions
        on
            margin.account_id = standing_instructions.account_id
            and margin.currency_code = standing_instructions.currency_code
    where
        margin.pay_date <= {{ business_date() }}
        and margin.pay_date > coalesce({{ previous_business_date() }}, '-infinity'::date)
),

payments_made as (
    select
        payments.cash_account_id,
        payments.currency_code,
        -payments.amount as amount
    from {{ ref('stg_operations__payment_releases') }} as releases
    inner join {{ ref('stg_operations__payments') }} as payments on releases.payment_id = payments.payment_id
    where releases.business_date = {{ business_date() }}
),

flows as (
    select * from opening
    union all
    select * from settled
    union all
    select * from income_paid
    union all
    select * from events_paid
    union all
    select * from margin_paid
    union all
    select * from paid_on_value_date
    union all
    select * from payments_made
),

cash_balances as (
    select
        {{ business_date() }} as business_date,
        cash_account_id,
        currency_code,
        sum(amount)::numeric(24, 4) as settled_amount
    from flows
    group by cash_account_id, currency_code
)

select * from cash_balances
