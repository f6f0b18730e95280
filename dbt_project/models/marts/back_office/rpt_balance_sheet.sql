-- What each book has and owes, in base currency. Income and expense are not carried to an equity account at the end of a year:
-- their balance since the firm began stands as one line of equity, the result to date.

with accounts as (
    select * from {{ latest_revision(ref('stg_books__ledger_accounts'), ['gl_account']) }} as latest
),

closing as (
    select
        ledger.book_id,
        accounts.gl_account,
        accounts.name,
        accounts.account_type,
        sum(ledger.closing_amount_base) as amount_base
    from {{ ref('rpt_general_ledger') }} as ledger
    inner join accounts on ledger.gl_account = accounts.gl_account
    where ledger.business_date = {{ business_date() }}
    group by ledger.book_id, accounts.gl_account, accounts.name, accounts.account_type
),

balance_sheet_lines as (
    select
        book_id,
        gl_account,
        name as account_name,
        account_type,
        case account_type when 'ASSET' then amount_base else -amount_base end as amount_base
    from closing
    where account_type in ('ASSET', 'LIABILITY', 'EQUITY')
    union all
    select
        book_id,
        'result_to_date' as gl_account,
        'Result to date' as account_name,
        'EQUITY' as account_type,
        -sum(amount_base) as amount_base
    from closing
    where account_type in ('INCOME', 'EXPENSE')
    group by book_id
),

balance_sheet as (
    select
        {{ business_date() }} as business_date,
        book_id,
        gl_account,
        account_name,
        account_type,
        amount_base::numeric(24, 4) as amount_base
    from balance_sheet_lines
    where amount_base <> 0
)

select * from balance_sheet
