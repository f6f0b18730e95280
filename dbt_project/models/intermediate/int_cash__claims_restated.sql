{{ config(indexes=[{'columns': ['figure_date', 'book_id']}]) }}

-- What is learned today of the claims of the dates closed before it. Trades that came late, were amended or cancelled change both sides of an
-- exchange of currencies, and of any other trade what is owed in a foreign currency; events and income that are learned, amended or moved
-- change what they pay in one; a rate changes what all of it is worth. The values telescope, in the order of step_no, each from the claim
-- before to the claim after:
--   trades by their id, corporate actions, exchange rate, income

with figure_dates as (
    select business_date as figure_date
    from {{ ref('stg_operations__day_closings') }}
    where business_date < {{ business_date() }}
),

todays_rates as (
    select * from {{ ref('int_market__closing_fx_rates') }} where business_date = {{ business_date() }}
),

claims_learned as (
    select
        claims.book_id,
        claims.currency_code,
        1 as step,
        claims.movement_type as event_type,
        claims.trade_id as event_id,
        claims.since_date,
        claims.amount,
        claims.amount_base,
        claims.is_exchange
    from {{ claims_traded() }} as claims
    where claims.movement_type <> 'NEW'
    union all
    select
        book_id,
        cash_currency_code,
        2,
        'CORPORATE_ACTION',
        event_id,
        ex_date,
        cash_amount,
        cash_amount_base,
        -- where it pays another currency than the instrument's, what that is worth was rounded apart from it
        cash_currency_code <> currency_code
    from {{ ref('fct_corporate_actions') }}
    where business_date = {{ business_date() }}
    union all
    select
        book_id,
        currency_code,
        4,
        'INCOME',
        event_id,
        ex_date,
        net_amount,
        net_amount_base,
        false
    from {{ ref('fct_income') }}
    where
        business_date = {{ business_date() }}
        and client_id is null
),

events as (
    select
        figure_dates.figure_date,
        learned.book_id,
        learned.currency_code,
        learned.step,
        learned.event_type,
        learned.event_id,
        sum(learned.amount) as claim_amount,
        sum(learned.amount_base) as booked_amount_base
    from claims_learned as learned
    inner join figure_dates on learned.since_date <= figure_dates.figure_date
    inner join todays_rates on learned.currency_code = todays_rates.currency_code
    where learned.is_exchange or learned.currency_code <> todays_rates.base_currency_code
    group by
        figure_dates.figure_date,
        learned.book_id,
        learned.currency_code,
        learned.step,
        learned.event_type,
        learned.event_id
),

known as not materialized (
    select
        business_date as figure_date,
        book_id,
        currency_code,
        closing_amount as amount,
        closing_amount_base as amount_base
    from {{ ref('int_cash__flows_due') }}
    where business_date < {{ business_date() }}
    {% if is_incremental() %}
        union all
        select
            figure_date,
            book_id,
            currency_code,
            claim_amount,
            claim_amount_base
        from {{ this }}
        where business_date < {{ business_date() }}
    {% endif %}
),

currencies_restated as (
    {{ currencies_restated() }}
),

claims_touched as (
    select figure_date, book_id, currency_code from events
    union
    select
        known.figure_date,
        known.book_id,
        known.currency_code
    from currencies_restated
    inner join known
        on currencies_restated.currency_code = known.currency_code and known.figure_date >= currencies_restated.first_date
),

claims_known as (
    select
        touched.figure_date,
        touched.book_id,
        touched.currency_code,
        coalesce(sum(known.amount), 0) as amount,
        coalesce(sum(known.amount_base), 0) as amount_base
    from claims_touched as touched
    left join known
        on
            touched.figure_date = known.figure_date
            and touched.book_id = known.book_id
            and touched.currency_code = known.currency_code
    group by touched.figure_date, touched.book_id, touched.currency_code
),

-- The rate of each date as known yesterday and today; a currency without one stands at today's.
rates as (
    select
        dates.figure_date,
        dates.currency_code,
        {{ rate_before_and_after('dates.currency_code', 'todays_rates.base_currency_code', 'todays_rates.rate') }},
        todays_rates.base_minor_unit
    from (select distinct figure_date, currency_code from claims_touched) as dates
    inner join todays_rates on dates.currency_code = todays_rates.currency_code
    {{ rates_known('dates.currency_code', 'todays_rates.base_currency_code', 'dates.figure_date') }}
),

steps as (
    select * from events
    union all
    select
        touched.figure_date,
        touched.book_id,
        touched.currency_code,
        3,
        'FX_RATE',
        rates.rate_id,
        0,
        0
    from claims_touched as touched
    inner join rates on touched.figure_date = rates.figure_date and touched.currency_code = rates.currency_code
    where rates.rate_before <> rates.rate_after
),

in_order as (
    select
        steps.*,
        (row_number() over by_step)::integer as step_no,
        case when steps.event_type = 'FX_RATE' then rates.rate_revision end as event_version,
        claims_known.amount_base as known_amount_base,
        claims_known.amount + sum(steps.claim_amount) over by_step as amount_after,
        case when steps.step >= 3 then rates.rate_after else rates.rate_before end as rate,
        rates.base_minor_unit
    from steps
    inner join claims_known
        on
            steps.figure_date = claims_known.figure_date
            and steps.book_id = claims_known.book_id
            and steps.currency_code = claims_known.currency_code
    inner join rates on steps.figure_date = rates.figure_date and steps.currency_code = rates.currency_code
    window by_step as (
        partition by steps.figure_date, steps.book_id, steps.currency_code
        order by steps.step, steps.event_id, steps.event_type
    )
),

valued as (
    select
        in_order.*,
        {{ round_money('amount_after * rate', 'base_minor_unit') }} as amount_after_base
    from in_order
),

changes as (
    select
        valued.*,
        amount_after_base - coalesce(lag(amount_after_base) over by_step, known_amount_base) as claim_amount_base
    from valued
    window by_step as (
        partition by figure_date, book_id, currency_code
        order by step_no
    )
)

select
    {{ business_date() }} as business_date,
    figure_date,
    book_id,
    currency_code,
    step_no,
    event_type,
    event_id,
    event_version,
    claim_amount::numeric(24, 4) as claim_amount,
    claim_amount_base::numeric(24, 4) as claim_amount_base,
    booked_amount_base::numeric(24, 4) as booked_amount_base
from changes
where claim_amount <> 0 or claim_amount_base <> 0 or booked_amount_base <> 0
