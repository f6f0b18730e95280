with ledger_accounts as (
    select
        gl_account,
        name,
        account_type,
        is_monetary,
        result_component
    from {{ latest_revision(ref('stg_books__ledger_accounts'), ['gl_account']) }} as latest
)

select * from ledger_accounts
