{{ config(indexes=[{'columns': ['business_date', 'gl_account']}, {'columns': ['business_date', 'book_id']}]) }}

-- Ledger balances per book, account, instrument, ledger account and currency: yesterday's and today's journal lines.

with parts as (
    select
        book_id,
        account_id,
        instrument_id,
        gl_account,
        currency_code,
        amount,
        amount_base
    from {{ ref('stg_ledger__journal_lines') }}
    where business_date = {{ business_date() }}
    {% if is_incremental() %}
        union all
        select
            book_id,
            account_id,
            instrument_id,
            gl_account,
            currency_code,
            balance_amount,
            balance_amount_base
        from {{ this }}
        where business_date = {{ previous_business_date() }}
    {% endif %}
),

balances_carried as (
    select
        {{ business_date() }} as business_date,
        book_id,
        account_id,
        instrument_id,
        gl_account,
        currency_code,
        sum(amount)::numeric(24, 4) as balance_amount,
        sum(amount_base)::numeric(24, 4) as balance_amount_base
    from parts
    group by book_id, account_id, instrument_id, gl_account, currency_code
    having sum(amount) <> 0 or sum(amount_base) <> 0
)

select * from balances_carried
