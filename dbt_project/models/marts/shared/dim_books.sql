with books as (
    select
        books.book_id,
        books.name,
        books.desk_id,
        desks.name as desk_name,
        books.loss_limit_amount,
        books.position_limit_amount
    from {{ latest(ref('stg_books__books'), ['book_id']) }} as books
    left join {{ latest(ref('stg_books__desks'), ['desk_id']) }} as desks on books.desk_id = desks.desk_id
)

select * from books
