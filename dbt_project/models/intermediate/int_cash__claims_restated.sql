{{ config(indexes=[{'columns': ['figure_date', 'book_id']}]) }}

-- What trades that came late, were amended or cancelled today change in the claims of the dates closed before it: both sides of an exchange
-- of currencies, and of any other trade what is owed in a foreign currency. A claim is worth the closing rate of its date; the values
-- telescope, in the order of step_no, each from the claim before the trade to the claim with it.

with figure_dates as (
    select business_date as figure_date
    from {{ ref('stg_operations__day_closings') }}
    where business_date < {{ business_date() }}
),

corrected as (
    select
        figure_dates.figure_date,
        claims.book_id,
        claims.currency_code,
        claims.movement_type,
        claims.trade_id,
        sum(claims.amount) as claim_amount,
        sum(claims.amount_base) as booked_amount_base
    from {{ claims_traded() }} as claims
    inner join figure_dates on claims.trade_date <= figure_dates.figure_date
    inner join {{ ref('int_market__closing_fx_rates') }} as todays_rates
        on
            claims.currency_code = todays_rates.currency_code
            and todays_rates.business_date = {{ business_date() }}
    where
        claims.movement_type <> 'NEW'
        and (claims.is_exchange or claims.currency_code <> todays_rates.base_currency_code)
    group by
        figure_dates.figure_date,
        claims.book_id,
        claims.currency_code,
        claims.movement_type,
        claims.trade_id
),

claims_touched as (
    select distinct figure_date, book_id, currency_code from corrected
),

known as (
    select
        business_date as figure_date,
        book_id,
        currency_code,
        closing_amount as amount
    from {{ ref('int_cash__flows_due') }}
    where business_date < {{ business_date() }}
    {% if is_incremental() %}
        union all
        select
            figure_date,
            book_id,
            currency_code,
            claim_amount
        from {{ this }}
        where business_date < {{ business_date() }}
    {% endif %}
),

claims_known as (
    select
        touched.figure_date,
        touched.book_id,
        touched.currency_code,
        coalesce(sum(known.amount), 0) as amount
    from claims_touched as touched
    left join known
        on
            touched.figure_date = known.figure_date
            and touched.book_id = known.book_id
            and touched.currency_code = known.currency_code
    group by touched.figure_date, touched.book_id, touched.currency_code
),

in_order as (
    select
        corrected.*,
        (row_number() over by_trade)::integer as step_no,
        claims_known.amount + sum(corrected.claim_amount) over by_trade as amount_after
    from corrected
    inner join claims_known
        on
            corrected.figure_date = claims_known.figure_date
            and corrected.book_id = claims_known.book_id
            and corrected.currency_code = claims_known.currency_code
    window by_trade as (
        partition by corrected.figure_date, corrected.book_id, corrected.currency_code
        order by corrected.trade_id, corrected.movement_type
    )
),

valued as (
    select
        in_order.*,
        {{ round_money('in_order.amount_after * rates.rate', 'todays_rates.base_minor_unit') }}
        - {{ round_money('(in_order.amount_after - in_order.claim_amount) * rates.rate', 'todays_rates.base_minor_unit') }}
            as claim_amount_base
    from in_order
    inner join {{ ref('int_market__closing_fx_rates') }} as todays_rates
        on
            in_order.currency_code = todays_rates.currency_code
            and todays_rates.business_date = {{ business_date() }}
    cross join lateral {{ rate_from('in_order.currency_code', 'in_order.figure_date') }} as rates
)

select
    {{ business_date() }} as business_date,
    figure_date,
    book_id,
    currency_code,
    step_no,
    movement_type,
    trade_id,
    claim_amount::numeric(24, 4) as claim_amount,
    claim_amount_base::numeric(24, 4) as claim_amount_base,
    booked_amount_base::numeric(24, 4) as booked_amount_base
from valued
where claim_amount <> 0 or claim_amount_base <> 0 or booked_amount_base <> 0
