{%- set uninstructed = "'NONE:' || " -%}
-- What should stand on each cash account: settled trades, income and the cash of events on their pay date, payments that left. What is paid to
-- or by an account without a standing instruction for the currency stands at NONE:<account> until there is one.

with standing_instructions as (
    select * from {{ as_known(ref('stg_books__standing_instructions'), ['account_id', 'currency_code']) }} as known
),

opening as (
    {% if is_incremental() %}
        select
            coalesce(instructed.cash_account_id, balances.cash_account_id) as cash_account_id,
            balances.currency_code,
            balances.settled_amount as amount
        from {{ this }} as balances
        left join standing_instructions as instructed
            on
                balances.cash_account_id = {{ uninstructed }}instructed.account_id
                and balances.currency_code = instructed.currency_code
        where balances.business_date = {{ previous_business_date() }}
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

-- What is paid without a confirmation, on its date: income, the cash of events, variation margin, what no custodian
-- delivers, and what currency forwards exchange.
due as (
    select
        account_id,
        currency_code,
        cash_amount as amount
    from {{ ref('fct_event_cash') }}
    where business_date = {{ business_date() }}
    union all
    select
        account_id,
        currency_code,
        net_amount
    from {{ ref('fct_variation_margin') }}
    -- on the business day after; its pay_date is that of the calendar as it was known
    where business_date = {{ previous_business_date() }}
    union all
    select
        movements.account_id,
        sides.currency_code,
        sides.amount
    from {{ ref('int_trades__movements') }} as movements
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            movements.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
            and not instruments.is_delivered
            and not instruments.settles_daily
    cross join lateral (
        values
        (movements.currency_code, movements.net_amount),
        (movements.exchanged_currency_code, movements.exchanged_amount)
    ) as sides (currency_code, amount)
    where
        sides.currency_code is not null
        and movements.business_date <= {{ business_date() }}
        and {{ falls_due('greatest(movements.settlement_date, movements.business_date)') }}
    union all
    select
        contracts.account_id,
        sides.currency_code,
        sides.amount
    from {{ ref('int_forwards__contracts') }} as contracts
    cross join lateral (
        values
        (contracts.currency_code, -contracts.agreed_amount),
        (contracts.exchanged_currency_code, contracts.exchanged_amount)
    ) as sides (currency_code, amount)
    where
        contracts.business_date = {{ business_date() }}
        and contracts.contract_state <> 'OUTSTANDING'
),

paid_when_due as (
    select
        coalesce(standing_instructions.cash_account_id, {{ uninstructed }}due.account_id) as cash_account_id,
        due.currency_code,
        due.amount
    from due
    left join standing_instructions
        on
            due.account_id = standing_instructions.account_id
            and due.currency_code = standing_instructions.currency_code
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
    select * from paid_when_due
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
