with books as (
    select * from {{ as_known(ref('stg_books__books'), ['book_id']) }} as known
),

losses as (
    select
        books.book_id,
        'LOSS'::text as limit_type,
        ''::text as instrument_id,
        books.loss_limit_amount as limit_amount,
        greatest(-coalesce(sum(results.total_amount_base), 0), 0) as used_amount
    from books
    left join {{ ref('fct_profit_and_loss') }} as results
        on books.book_id = results.book_id and results.business_date = {{ business_date() }}
    group by books.book_id, books.loss_limit_amount
),

positions as (
    select
        books.book_id,
        'POSITION'::text as limit_type,
        positions.instrument_id,
        books.position_limit_amount as limit_amount,
        abs(sum(positions.exposure_amount_base)) as used_amount
    from {{ ref('fct_positions') }} as positions
    inner join books on positions.book_id = books.book_id
    where positions.business_date = {{ business_date() }}
    group by books.book_id, positions.instrument_id, books.position_limit_amount
),

uses as (
    select * from losses
    union all
    select * from positions
),

limit_utilisation as (
    select
        {{ business_date() }} as business_date,
        book_id,
        limit_type,
        instrument_id,
        limit_amount::numeric(24, 4) as limit_amount,
        used_amount::numeric(24, 4) as used_amount,
        (used_amount / nullif(limit_amount, 0))::numeric(18, 6) as utilisation_ratio,
        used_amount > limit_amount as is_breached
    from uses
)

select * from limit_utilisation
