-- A reported quantity plus what was learned since is that of the trades and events in force today, added up anew.
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

parts as (
    select
        trade_date as since_date,
        book_id,
        account_id,
        instrument_id,
        quantity
    from {{ ref('int_trades__movements') }}
    where exchanged_currency_code is null
    union all
    select
        ex_date,
        book_id,
        account_id,
        instrument_id,
        quantity_change
    from {{ ref('fct_corporate_actions') }}
),

traded as (
    select
        figures.figure_date,
        figures.book_id,
        figures.account_id,
        figures.instrument_id,
        sum(parts.quantity) as traded_quantity
    from figures
    inner join parts
        on
            figures.book_id = parts.book_id
            and figures.account_id = parts.account_id
            and figures.instrument_id = parts.instrument_id
            and parts.since_date <= figures.figure_date
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
where told.told_quantity <> coalesce(traded.traded_quantity, 0)
