-- The return of a book on the capital in its securities: each day's return is linked to yesterday's unit price.
--   value          market value and accrued interest of the securities
--   external flow  what was paid for them net of sales and income, fees included, all of a day as one
--   margin         what positions whose gains are paid every day gained: it leaves at the end of the day; so does what currency forwards pay
--   capital        opening value + flow in, both without currency forwards, whose value is as open as a claim; where a book is short and that is less than half of its gross exposure, the gross exposure:
--                  of each position the larger of what was held at the start, by amount, and that with the day's flow
--   return         (closing value - opening value - flow, margin apart) / capital

with derivatives as (
    select
        instrument_id,
        settles_daily or coalesce(exchanges_at_maturity, false) as ties_up_no_capital
    from {{ ref('int_reference__instruments_known') }}
    where business_date = {{ business_date() }}
),

results as (
    select
        results.book_id,
        sum(results.opening_value_amount_base) as opening_value,
        sum(results.closing_value_amount_base) as closing_value,
        sum(results.net_cash_in_amount_base) as net_cash_in,
        coalesce(sum(results.opening_value_amount_base) filter (where not instruments.ties_up_no_capital), 0) as opening_capital,
        coalesce(-sum(results.net_cash_in_amount_base) filter (where instruments.ties_up_no_capital), 0) as margin_gained,
        coalesce(
            sum(
                greatest(
                    abs(results.opening_value_amount_base), abs(results.opening_value_amount_base + results.net_cash_in_amount_base)
                )
            ) filter (where not instruments.ties_up_no_capital),
            0
        ) as gross_exposure,
        bool_or(
            not instruments.ties_up_no_capital and (results.opening_value_amount_base < 0 or results.closing_value_amount_base < 0)
        ) as is_short
    from {{ ref('fct_profit_and_loss') }} as results
    inner join derivatives as instruments on results.instrument_id = instruments.instrument_id
    where
        -- claims are what the securities were paid with, no part of them, and no instrument
        results.business_date = {{ business_date() }}
    group by results.book_id
),

carried as (
    {% if is_incremental() %}
        select
            book_id,
            unit_price_linked,
            case
                when date_trunc('month', business_date) = date_trunc('month', {{ business_date() }}) then growth_mtd_linked
            end as growth_mtd_linked,
            case
                when date_trunc('year', business_date) = date_trunc('year', {{ business_date() }}) then growth_ytd_linked
            end as growth_ytd_linked
        from {{ this }}
        where business_date = {{ previous_business_date() }}
    {% else %}
        select
            ''::text as book_id,
            0::numeric as unit_price_linked,
            0::numeric as growth_mtd_linked,
            0::numeric as growth_ytd_linked
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
        coalesce(results.opening_capital, 0) + greatest(coalesce(results.net_cash_in + results.margin_gained, 0), 0) as net_capital,
        coalesce(results.gross_exposure, 0) as gross_exposure,
        coalesce(results.is_short, false) as is_short,
        -- a book that lost everything begins anew
        coalesce(nullif(carried.unit_price_linked, 0), 100)::numeric(1000, 30) as opening_unit_price,
        carried.growth_mtd_linked::numeric(1000, 30) as opening_growth_mtd,
        carried.growth_ytd_linked::numeric(1000, 30) as opening_growth_ytd
    from results
    full outer join carried on results.book_id = carried.book_id
),

based as (
    select
        flows.*,
        flows.closing_value - flows.opening_value - flows.net_cash_in as gain,
        case
            when flows.is_short and flows.net_capital < flows.gross_exposure / 2 then 'GROSS'
            when flows.net_capital > 0 then 'NET'
        end as capital_basis,
        case
            when flows.is_short and flows.net_capital < flows.gross_exposure / 2 then flows.gross_exposure
            else greatest(flows.net_capital, 0)
        end as capital
    from flows
),

-- No more than everything can be lost of a unit. What the next day is linked to is kept with all its digits, so that a value that
-- comes back to what it was is what it was.
linked as (
    select
        based.*,
        case when capital > 0 then round(gain / capital, 12) end as return_ratio,
        case
            when capital > 0 then round(opening_unit_price * greatest(capital + gain, 0) / capital, 30)
            else opening_unit_price
        end as unit_price_linked,
        case
            when capital > 0 then round(coalesce(opening_growth_mtd, 1::numeric(1000, 30)) * greatest(capital + gain, 0) / capital, 30)
            else opening_growth_mtd
        end as growth_mtd_linked,
        case
            when capital > 0 then round(coalesce(opening_growth_ytd, 1::numeric(1000, 30)) * greatest(capital + gain, 0) / capital, 30)
            else opening_growth_ytd
        end as growth_ytd_linked
    from based
),

book_returns as (
    select
        {{ business_date() }} as business_date,
        linked.book_id,
        books.desk_id,
        linked.opening_value::numeric(24, 4) as opening_value_amount_base,
        linked.net_cash_in::numeric(24, 4) as net_cash_in_amount_base,
        linked.closing_value::numeric(24, 4) as closing_value_amount_base,
        linked.gain::numeric(24, 4) as gain_amount_base,
        linked.capital::numeric(24, 4) as capital_amount_base,
        linked.capital_basis,
        linked.return_ratio::numeric(1000, 12) as return_ratio,
        linked.unit_price_linked::numeric(1000, 12) as unit_price,
        (linked.growth_mtd_linked - 1)::numeric(1000, 12) as return_ratio_mtd,
        (linked.growth_ytd_linked - 1)::numeric(1000, 12) as return_ratio_ytd,
        linked.unit_price_linked::numeric(1000, 30) as unit_price_linked,
        linked.growth_mtd_linked::numeric(1000, 30) as growth_mtd_linked,
        linked.growth_ytd_linked::numeric(1000, 30) as growth_ytd_linked
    from linked
    inner join books on linked.book_id = books.book_id
)

select * from book_returns
