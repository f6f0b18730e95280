-- A reported quantity plus what was learned since is that of the trades in force today, in the units of the date, added up anew.
with figures as (
    select distinct
        figure_date,
        book_id,
        account_id,
        instrument_id
    from {{ ref('rpt_what_changed') }}
    union
    select
        business_date,
        book_id,
        account_id,
        instrument_id
    from {{ ref('fct_positions') }}
),

units as (
    select
        instrument_id,
        ex_date,
        new_units / old_units as factor
    from {{ latest(ref('stg_books__corporate_actions'), ['event_id']) }} as known
    where
        event_type in ('SPLIT', 'REVERSE_SPLIT', 'STOCK_DIVIDEND')
        and event_status <> 'WITHDRAWN'
        and business_date <= (select max(positions.business_date) from {{ ref('fct_positions') }} as positions)
),

told as (
    select
        figures.*,
        coalesce((
            select sum(positions.traded_quantity)
            from {{ ref('fct_positions') }} as positions
            where
                positions.business_date = figures.figure_date
                and positions.book_id = figures.book_id
                and positions.account_id = figures.account_id
                and positions.instrument_id = figures.instrument_id
        ), 0) + coalesce((
            select sum(changes.changed_quantity)
            from {{ ref('rpt_what_changed') }} as changes
            where
                changes.figure_date = figures.figure_date
                and changes.book_id = figures.book_id
                and changes.account_id = figures.account_id
                and changes.instrument_id = figures.instrument_id
        ), 0) as told_quantity
    from figures
),

traded as (
    select
        figures.figure_date,
        figures.book_id,
        figures.account_id,
        figures.instrument_id,
        sum(movements.quantity * coalesce((
            select books.product(units.factor) from units
            where
                units.instrument_id = movements.instrument_id
                and units.ex_date > movements.trade_date
                and units.ex_date <= figures.figure_date
        ), 1)) as traded_quantity
    from figures
    inner join {{ ref('int_trades__movements') }} as movements
        on
            figures.book_id = movements.book_id
            and figures.account_id = movements.account_id
            and figures.instrument_id = movements.instrument_id
            and movements.trade_date <= figures.figure_date
    group by figures.figure_date, figures.book_id, figures.account_id, figures.instrument_id
)

select told.*
from told
left join traded
    on
        told.figure_date = traded.figure_date
        and told.book_id = traded.book_id
        and told.account_id = traded.account_id
        and told.instrument_id = traded.instrument_id
where abs(told.told_quantity - coalesce(traded.traded_quantity, 0)) > 0.000001 -- a restatement rounds to ten decimals
