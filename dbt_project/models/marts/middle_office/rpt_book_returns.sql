-- The return of a book on the capital in its securities: each day's return is linked to yesterday's unit price.
--   value          market value and accrued interest of the securities
--   external flow  what was paid for them net of sales and income, fees included, all of a day as one
--   margin         what positions whose gains are paid every day gained: it leaves at the end of the day
--   return         (closing value + margin + flow out) / (opening value + flow in) - 1

with results as (
    select
        results.book_id,
        sum(results.opening_value_amount_base) as opening_value,
        sum(results.closing_value_amount_base) as closing_value,
        sum(results.net_cash_in_amount_base) as net_cash_in,
        coalesce(-sum(results.net_cash_in_amount_base) filter (where instruments.settles_daily), 0) as margin_gained
    from {{ ref('fct_profit_and_loss') }} as results
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            results.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    where
        -- claims are what the securities were paid with, no part of them, and no instrument
        results.business_date = {{ business_date() }}
    group by results.book_id
),

carried as (
    {% if is_incremental() %}
        select
            book_id,
            unit_price,
            case
                when date_trunc('month', business_date) = date_trunc('month', {{ business_date() }}) then return_ratio_mtd
            end as return_ratio_mtd,
            case
                when date_trunc('year', business_date) = date_trunc('year', {{ business_date() }}) then return_ratio_ytd
            end as return_ratio_ytd
        from {{ this }}
        where business_date = {{ previous_business_date() }}
    {% else %}
        select
            ''::text as book_id,
            0::numeric as unit_price,
            0::numeric as return_ratio_mtd,
            0::numeric as return_ratio_ytd
        where false
    {% endif %}
),

books as (
    select * from {{ as_known(ref('stg_books__books'), ['book_id']) }} as known
),

flows as (
    select
        coalesce(results.book_id, carried.book_id) as book_id,
        coalesce(results.opening_value, 0) as opening_value,
        coalesce(results.closing_value, 0) as closing_value,
        coalesce(results.net_cash_in, 0) as net_cash_in,
        coalesce(results.margin_gained, 0) as margin_gained,
        greatest(coalesce(results.net_cash_in + results.margin_gained, 0), 0) as flow_in,
        greatest(-coalesce(results.net_cash_in + results.margin_gained, 0), 0) as flow_out,
        -- a book that lost everything begins anew
        coalesce(nullif(carried.unit_price, 0), 100) as opening_unit_price,
        carried.return_ratio_mtd as opening_return_mtd,
        carried.return_ratio_ytd as opening_return_ytd
    from results
    full outer join carried on results.book_id = carried.book_id
),

returned as (
    select
        flows.*,
        case
            when opening_value + flow_in > 0 then round((closing_value + margin_gained + flow_out) / (opening_value + flow_in) - 1, 12)
        end as return_ratio
    from flows
),

-- No more than everything can be lost of a unit.
linked as (
    select
        returned.*,
        greatest(1 + coalesce(return_ratio, 0), 0) as growth
    from returned
),

book_returns as (
    select
        {{ business_date() }} as business_date,
        linked.book_id,
        books.desk_id,
        linked.opening_value::numeric(24, 4) as opening_value_amount_base,
        linked.net_cash_in::numeric(24, 4) as net_cash_in_amount_base,
        linked.closing_value::numeric(24, 4) as closing_value_amount_base,
        (linked.closing_value - linked.opening_value - linked.net_cash_in)::numeric(24, 4) as gain_amount_base,
        linked.return_ratio::numeric(24, 12) as return_ratio,
        (linked.opening_unit_price * linked.growth)::numeric(28, 12) as unit_price,
        case
            when coalesce(linked.return_ratio, linked.opening_return_mtd) is not null
                then (1 + coalesce(linked.opening_return_mtd, 0)) * linked.growth - 1
        end::numeric(24, 12) as return_ratio_mtd,
        case
            when coalesce(linked.return_ratio, linked.opening_return_ytd) is not null
                then (1 + coalesce(linked.opening_return_ytd, 0)) * linked.growth - 1
        end::numeric(24, 12) as return_ratio_ytd
    from linked
    inner join books on linked.book_id = books.book_id
)

select * from book_returns
