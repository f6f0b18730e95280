-- Each account of each book and currency: where the day opened, what it brought on either side, where it closed.

with opening as (
    select
        book_id,
        gl_account,
        currency_code,
        sum(balance_amount) as amount,
        sum(balance_amount_base) as amount_base
    from {{ ref('int_accounting__balances_carried') }}
    where business_date = {{ previous_business_date() }}
    group by book_id, gl_account, currency_code
),

moved as (
    select
        book_id,
        gl_account,
        currency_code,
        sum(greatest(amount, 0)) as debit_amount,
        sum(greatest(-amount, 0)) as credit_amount,
        sum(greatest(amount_base, 0)) as debit_amount_base,
        sum(greatest(-amount_base, 0)) as credit_amount_base
    from {{ ref('stg_ledger__journal_lines') }}
    where business_date = {{ business_date() }}
    group by book_id, gl_account, currency_code
),

both_parts as (
    select
        coalesce(opening.book_id, moved.book_id) as book_id,
        coalesce(opening.gl_account, moved.gl_account) as gl_account,
        coalesce(opening.currency_code, moved.currency_code) as currency_code,
        coalesce(opening.amount, 0) as opening_amount,
        coalesce(moved.debit_amount, 0) as debit_amount,
        coalesce(moved.credit_amount, 0) as credit_amount,
        coalesce(opening.amount_base, 0) as opening_amount_base,
        coalesce(moved.debit_amount_base, 0) as debit_amount_base,
        coalesce(moved.credit_amount_base, 0) as credit_amount_base
    from opening
    full join moved
        on
            opening.book_id = moved.book_id
            and opening.gl_account = moved.gl_account
            and opening.currency_code = moved.currency_code
),

general_ledger as (
    select
        {{ business_date() }} as business_date,
        book_id,
        gl_account,
        currency_code,
        opening_amount::numeric(24, 4) as opening_amount,
        debit_amount::numeric(24, 4) as debit_amount,
        credit_amount::numeric(24, 4) as credit_amount,
        (opening_amount + debit_amount - credit_amount)::numeric(24, 4) as closing_amount,
        opening_amount_base::numeric(24, 4) as opening_amount_base,
        debit_amount_base::numeric(24, 4) as debit_amount_base,
        credit_amount_base::numeric(24, 4) as credit_amount_base,
        (opening_amount_base + debit_amount_base - credit_amount_base)::numeric(24, 4) as closing_amount_base
    from both_parts
)

select * from general_ledger
