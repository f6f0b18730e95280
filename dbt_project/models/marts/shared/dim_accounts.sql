with accounts as (
    select
        account_id,
        name,
        client_id,
        custodian_id
    from {{ latest(ref('stg_books__accounts'), ['account_id']) }} as known
)

select * from accounts
