-- The result by two roads, per book, instrument and component, in base currency: positions times prices against the journal.

with management as (
    select
        results.book_id,
        results.instrument_id,
        components.component,
        components.amount
    from {{ ref('fct_profit_and_loss') }} as results
    cross join lateral (
        values
        (
            'trading',
            results.price_amount_base + results.new_trades_amount_base
            + case
                when results.product_line = 'cash' then 0
                else results.corporate_actions_amount_base + results.prior_day_corrections_amount_base
            end
        ),
        ('accrual', results.accrual_amount_base),
        -- what a correction changes of claims is the currency's, in the ledger too
        (
            'fx',
            results.fx_amount_base
            + case
                when results.product_line = 'cash' then results.corporate_actions_amount_base + results.prior_day_corrections_amount_base
                else 0
            end
        ),
        ('income', results.income_amount_base),
        ('fees', results.fees_amount_base)
    ) as components (component, amount)
    where results.business_date = {{ business_date() }}
),

accounting as (
    select
        book_id,
        instrument_id,
        case gl_account
            when 'trading_result' then 'trading'
            when 'interest_income' then 'accrual'
            when 'fx_result' then 'fx'
            when 'dividend_income' then 'income'
            when 'withholding_tax' then 'income'
            when 'fee_expense' then 'fees'
        end as component,
        -- income is a credit, and a credit is negative
        -amount_base as amount
    from {{ ref('stg_ledger__journal_lines') }}
    where
        business_date = {{ business_date() }}
        and gl_account in (
            'trading_result', 'interest_income', 'fx_result', 'dividend_income', 'withholding_tax', 'fee_expense'
        )
),

both_roads as (
    select
        book_id,
        instrument_id,
        component,
        amount as management_amount,
        0::numeric as accounting_amount
    from management
    union all
    select
        book_id,
        instrument_id,
        component,
        0,
        amount
    from accounting
),

profit_bridge as (
    select
        {{ business_date() }} as business_date,
        book_id,
        instrument_id,
        component,
        sum(management_amount)::numeric(24, 4) as management_amount,
        sum(accounting_amount)::numeric(24, 4) as accounting_amount,
        (sum(management_amount) - sum(accounting_amount))::numeric(24, 4) as difference_amount
    from both_roads
    group by book_id, instrument_id, component
    having sum(abs(management_amount)) + sum(abs(accounting_amount)) <> 0
)

select * from profit_bridge
