-- The day's result of what each book is owed in a currency: a row for each book and currency with a claim. The change of its value is the fx
-- transaction result, apart from what amended, cancelled and late trades and the events of earlier days change of it: from what was booked to
-- today's value.

with claims_yesterday as (
    select
        book_id,
        currency_code,
        closing_amount,
        closing_amount_base
    from {{ ref('int_cash__flows_due') }}
    where business_date = {{ previous_business_date() }}
),

claims_corrected as (
    select
        book_id,
        currency_code,
        coalesce(sum(amount) filter (where movement_type = 'AMENDMENT'), 0) as amended_amount,
        coalesce(sum(amount_base) filter (where movement_type = 'AMENDMENT'), 0) as amended_amount_base,
        coalesce(sum(amount) filter (where movement_type = 'CANCELLATION'), 0) as cancelled_amount,
        coalesce(sum(amount_base) filter (where movement_type = 'CANCELLATION'), 0) as cancelled_amount_base,
        coalesce(sum(amount) filter (where movement_type = 'LATE'), 0) as late_amount,
        coalesce(sum(amount_base) filter (where movement_type = 'LATE'), 0) as late_amount_base
    from {{ claims_traded() }} as traded
    where movement_type <> 'NEW'
    group by book_id, currency_code
),

-- What events of earlier days pay in a currency, and what it was booked at: at the rate of their ex date.
claims_of_events as (
    select
        book_id,
        cash_currency_code as currency_code,
        sum(cash_amount) as amount,
        sum(cash_amount_base) as amount_base
    from {{ ref('fct_corporate_actions') }}
    where
        business_date = {{ business_date() }}
        and ex_date <= {{ previous_business_date() }}
    group by book_id, cash_currency_code
),

claims as (
    select
        due.book_id,
        due.currency_code,
        due.flow_amount,
        due.flow_amount_base,
        due.closing_amount,
        due.closing_amount_base,
        due.opening_amount_base as carried_amount_base,
        coalesce(claims_yesterday.closing_amount, 0) as opening_amount,
        coalesce(claims_yesterday.closing_amount_base, 0) as opening_amount_base,
        coalesce(corrected.amended_amount_base, 0) as amended_amount_base,
        coalesce(corrected.cancelled_amount_base, 0) as cancelled_amount_base,
        coalesce(corrected.late_amount_base, 0) as late_amount_base,
        coalesce(events.amount_base, 0) as event_amount_base,
        {% for step, amount in [
            ('opening', 'due.opening_amount'),
            ('amended', 'due.opening_amount + coalesce(corrected.amended_amount, 0)'),
            ('cancelled', 'due.opening_amount + coalesce(corrected.amended_amount + corrected.cancelled_amount, 0)'),
            (
                'late',
                'due.opening_amount + coalesce(corrected.amended_amount + corrected.cancelled_amount + corrected.late_amount, 0)'
            ),
            (
                'event',
                'due.opening_amount + coalesce(corrected.amended_amount + corrected.cancelled_amount + corrected.late_amount, 0)'
                ~ ' + coalesce(events.amount, 0)'
            ),
        ] %}
            {{ round_money('(' ~ amount ~ ') * rates.rate', 'rates.base_minor_unit') }} as {{ step }}_step_base{{ "," if not loop.last }}
        {% endfor %}
    from {{ ref('int_cash__flows_due') }} as due
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            due.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    left join claims_yesterday
        on due.book_id = claims_yesterday.book_id and due.currency_code = claims_yesterday.currency_code
    left join claims_corrected as corrected
        on due.book_id = corrected.book_id and due.currency_code = corrected.currency_code
    left join claims_of_events as events
        on due.book_id = events.book_id and due.currency_code = events.currency_code
    where due.business_date = {{ business_date() }}
),

claims_explained as (
    select
        {{ business_date() }} as business_date,
        book_id,
        currency_code,
        opening_amount::numeric(24, 4) as opening_amount,
        closing_amount::numeric(24, 4) as closing_amount,
        flow_amount::numeric(24, 4) as flow_amount,
        opening_amount_base::numeric(24, 4) as opening_amount_base,
        closing_amount_base::numeric(24, 4) as closing_amount_base,
        flow_amount_base::numeric(24, 4) as flow_amount_base,
        (
            opening_step_base - carried_amount_base
            + closing_amount_base - event_step_base
            - (flow_amount_base - amended_amount_base - cancelled_amount_base - late_amount_base - event_amount_base)
        )::numeric(24, 4) as fx_transaction_amount_base,
        (amended_step_base - opening_step_base - amended_amount_base)::numeric(24, 4) as amended_trades_amount_base,
        (cancelled_step_base - amended_step_base - cancelled_amount_base)::numeric(24, 4) as cancelled_trades_amount_base,
        (late_step_base - cancelled_step_base - late_amount_base)::numeric(24, 4) as late_trades_amount_base,
        (event_step_base - late_step_base - event_amount_base)::numeric(24, 4) as corporate_actions_amount_base
    from claims
)

select * from claims_explained
