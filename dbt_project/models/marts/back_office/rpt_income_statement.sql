-- What each book earned and spent, in base currency: on the day, since the month began, since the year began. Income and expense are
-- never emptied into equity, so a stretch of time is the balance at its end less the balance before its beginning.

with accounts as (
    select *
    from {{ latest_revision(ref('stg_books__ledger_accounts'), ['gl_account']) }} as latest
    where account_type in ('INCOME', 'EXPENSE')
),

today as (
    select
        book_id,
        gl_account,
        sum(debit_amount_base - credit_amount_base) as moved_base,
        sum(closing_amount_base) as closing_base
    from {{ ref('rpt_general_ledger') }}
    where business_date = {{ business_date() }}
    group by book_id, gl_account
),

before_month as (
    select
        book_id,
        gl_account,
        sum(balance_amount_base) as closing_base
    from {{ ref('int_accounting__balances_carried') }}
    where
        business_date = (
            select max(calendar.business_date) from {{ ref('stg_books__business_days') }} as calendar
            where calendar.business_date < date_trunc('month', {{ business_date() }})
        )
        and gl_account in (select accounts.gl_account from accounts)
    group by book_id, gl_account
),

before_year as (
    select
        book_id,
        gl_account,
        sum(balance_amount_base) as closing_base
    from {{ ref('int_accounting__balances_carried') }}
    where
        business_date = (
            select max(calendar.business_date) from {{ ref('stg_books__business_days') }} as calendar
            where calendar.business_date < date_trunc('year', {{ business_date() }})
        )
        and gl_account in (select accounts.gl_account from accounts)
    group by book_id, gl_account
),

-- debit positive; an account whose balance is gone since the month or year began has no row of today
parts as (
    select
        book_id,
        gl_account,
        moved_base as day_base,
        closing_base as month_base,
        closing_base as year_base
    from today
    union all
    select
        book_id,
        gl_account,
        0 as day_base,
        -closing_base as month_base,
        0 as year_base
    from before_month
    union all
    select
        book_id,
        gl_account,
        0 as day_base,
        0 as month_base,
        -closing_base as year_base
    from before_year
),

income_statement as (
    select
        {{ business_date() }} as business_date,
        parts.book_id,
        accounts.gl_account,
        accounts.name as account_name,
        accounts.account_type,
        (-sum(parts.day_base))::numeric(24, 4) as day_amount_base,
        (-sum(parts.month_base))::numeric(24, 4) as month_to_date_amount_base,
        (-sum(parts.year_base))::numeric(24, 4) as year_to_date_amount_base
    from parts
    inner join accounts on parts.gl_account = accounts.gl_account
    group by parts.book_id, accounts.gl_account, accounts.name, accounts.account_type
    having sum(parts.day_base) <> 0 or sum(parts.month_base) <> 0 or sum(parts.year_base) <> 0
)

select * from income_statement
