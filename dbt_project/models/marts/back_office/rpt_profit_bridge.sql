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

chart as (
    select * from {{ latest_revision(ref('stg_books__ledger_accounts'), ['gl_account']) }} as latest
),

accounting as (
    select
        lines.book_id,
        lines.instrument_id,
        chart.result_component as component,
        -- income is a credit, and a credit is negative
        -lines.amount_base as amount
    from {{ ref('stg_ledger__journal_lines') }} as lines
    inner join chart on lines.gl_account = chart.gl_account
    where
        lines.business_date = {{ business_date() }}
        and chart.result_component is not null
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
