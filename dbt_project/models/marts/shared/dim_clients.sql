with clients as (
    select
        client_id,
        name,
        lei,
        country_code
    from {{ latest(ref('stg_books__clients'), ['client_id']) }} as known
)

select * from clients
