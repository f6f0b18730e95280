{{ config(indexes=[{'columns': ['business_date', 'book_id']}]) }}

-- The day's result per book, account and instrument, told in steps that telescope: each step is the difference of two
-- rounded values, so the components add up to the change in value and cash without a residual.
--   opening value at yesterday's rate -> at today's rate          fx translation (base currency only)
--   -> at today's price, with what goes ex beside it today        price
--   -> with the amended trades of earlier days                    amended trades
--   -> without the cancelled trades of earlier days               cancelled trades
--   -> with the trades of earlier days that came late             late trades
--   -> after corporate actions, less cost moved in, and cash      corporate actions
--   -> with today's trades, each in its last version of the day   new trades
-- A currency forward is worth what its notional and what is agreed for it come to, discounted; nothing is paid for it before its date, on which
-- both amounts are exchanged and its value is gone, as an event of that date.
-- Claims in foreign currency stand as CASH:<currency>, with a result of their own (int_cash__claims_explained).
-- The residual looks at both ends and at what was paid, not at the steps.

with today as (
    select * from {{ ref('fct_positions') }} where business_date = {{ business_date() }}
),

yesterday as (
    select * from {{ ref('fct_positions') }} where business_date = {{ previous_business_date() }}
),

flows as (
    select * from {{ ref('int_positions__flows_gathered') }} where business_date = {{ business_date() }}
),

keys as (
    select book_id, account_id, instrument_id from today
    union
    select book_id, account_id, instrument_id from yesterday where traded_quantity <> 0 or agreed_amount <> 0
    union
    select book_id, account_id, instrument_id from flows where has_result_by_itself
),

levels as (
    select
        keys.book_id,
        keys.account_id,
        keys.instrument_id,
        instruments.product_line,
        instruments.currency_code,
        instruments.price_divisor,
        instruments.contract_size,
        instruments.settles_daily,
        instruments.exchanges_at_maturity,
        rates.rate as fx_rate,
        rates.minor_unit,
        rates.base_minor_unit,
        today.price,
        today.is_price_missing,
        -- in the units of today
        round(coalesce(yesterday.traded_quantity, 0) * coalesce(restated.units_factor, 1), 10) as opening_quantity,
        coalesce(restated.delivered_value, 0) as delivered_value,
        coalesce(restated.delivered_to_new_amount, 0) as delivered_to_new_amount,
        coalesce(today.traded_quantity, 0) as closing_quantity,
        {% for side, name in [('yesterday', 'opening'), ('today', 'closing')] %}
            {% for ending in ['', '_base'] %}
                coalesce(
                    case
                        when instruments.exchanges_at_maturity then {{ side }}.market_value_amount{{ ending }}
                        else {{ side }}.exposure_amount{{ ending }}
                    end, 0
                ) as {{ name }}_value{{ ending }},
            {% endfor %}
            coalesce({{ side }}.agreed_amount, 0) as {{ name }}_agreed,
        {% endfor %}
        today.discount_factor,
        coalesce(yesterday.accrued_interest_amount, 0) as opening_accrued,
        coalesce(yesterday.accrued_interest_amount_base, 0) as opening_accrued_base,
        coalesce(today.accrued_interest_amount, 0) as closing_accrued,
        coalesce(today.accrued_interest_amount_base, 0) as closing_accrued_base,
        {% for flow in ['amended', 'cancelled', 'late', 'new'] %}
            coalesce(flows.{{ flow }}_quantity, 0) as {{ flow }}_quantity,
            coalesce(flows.{{ flow }}_amount, 0) as {{ flow }}_amount,
            coalesce(flows.{{ flow }}_amount_base, 0) as {{ flow }}_amount_base,
            coalesce(flows.{{ flow }}_agreed, 0) as {{ flow }}_agreed,
        {% endfor %}
        {% for flow in ['traded_accrued', 'fee_amount', 'coupon_amount', 'income_amount', 'event_amount', 'net_cash_in'] %}
            coalesce(flows.{{ flow }}, 0) as {{ flow }},
            coalesce(flows.{{ flow }}_base, 0) as {{ flow }}_base{{ "," if not loop.last }}
        {% endfor %}
    from keys
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            keys.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            instruments.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    left join today
        on
            keys.book_id = today.book_id
            and keys.account_id = today.account_id
            and keys.instrument_id = today.instrument_id
    left join yesterday
        on
            keys.book_id = yesterday.book_id
            and keys.account_id = yesterday.account_id
            and keys.instrument_id = yesterday.instrument_id
    left join flows
        on
            keys.book_id = flows.book_id
            and keys.account_id = flows.account_id
            and keys.instrument_id = flows.instrument_id
    left join {{ ref('int_positions__openings_restated') }} as restated
        on
            keys.book_id = restated.book_id
            and keys.account_id = restated.account_id
            and keys.instrument_id = restated.instrument_id
            and restated.business_date = {{ business_date() }}
),

-- The value after each step. Without a price a position stands at what it stood at and what was paid since; a currency forward at nothing.
-- A key that was flat yesterday and did not move has no row today and no price to need.
steps as (
    select
        levels.*,
        {% for step, quantity, booked, agreed in [
            ('repriced_value', 'opening_quantity', '0', 'opening_agreed'),
            ('amended_value', 'opening_quantity + amended_quantity', 'amended_amount', 'opening_agreed + amended_agreed'),
            (
                'cancelled_value', 'opening_quantity + amended_quantity + cancelled_quantity', 'amended_amount + cancelled_amount',
                'opening_agreed + amended_agreed + cancelled_agreed'
            ),
            (
                'late_value', 'opening_quantity + amended_quantity + cancelled_quantity + late_quantity',
                'amended_amount + cancelled_amount + late_amount', 'opening_agreed + amended_agreed + cancelled_agreed + late_agreed'
            ),
            (
                'restated_value', 'closing_quantity - new_quantity',
                'amended_amount + cancelled_amount + late_amount + event_amount', 'closing_agreed - new_agreed'
            ),
        ] %}
            case
                when is_price_missing and exchanges_at_maturity then 0
                when is_price_missing then opening_value + {{ booked }}
                else coalesce({{ round_money(
                    fair_value(
                        '(' ~ quantity ~ ')',
                        '(price * contract_size / price_divisor' ~ ('' if step == 'restated_value' else ' + delivered_value') ~ ')',
                        '(' ~ agreed ~ ')', 'discount_factor'
                    ), 'minor_unit'
                ) }}, 0)
                {%- if step == 'restated_value' %}

                    -- what is delivered beside the new ones is theirs
                    - {{ round_money('delivered_to_new_amount', 'minor_unit') }}
                {%- endif %}

            end as {{ step }}{{ "," if not loop.last }}
        {% endfor %}
    from levels
),

-- Where gains are paid every day, no currency is held but what was gained: the result so far is turned into base currency, at today's
-- rate, in place of the value, and nothing of it is booked or opening.
steps_in_base as (
    select
        steps.*,
        case when settles_daily then 0 else opening_value end as opening_worth,
        case when settles_daily then 0 else closing_value end as closing_worth,
        case when settles_daily then 0 else opening_value_base end as opening_worth_base,
        case when settles_daily then 0 else closing_value_base end as closing_worth_base,
        {{ round_money('case when settles_daily then 0 else opening_value end * fx_rate', 'base_minor_unit') }} as opening_at_todays_rate,
        {{ round_money('opening_accrued * fx_rate', 'base_minor_unit') }} as accrued_at_todays_rate,
        {% for step, booked in [
            ('repriced', '0'),
            ('amended', 'amended_amount'),
            ('cancelled', 'amended_amount + cancelled_amount'),
            ('late', 'amended_amount + cancelled_amount + late_amount'),
            ('restated', 'amended_amount + cancelled_amount + late_amount + event_amount'),
            ('closing', 'amended_amount + cancelled_amount + late_amount + event_amount + new_amount'),
        ] %}
            {% set value = step ~ '_value' %}
            {{ round_money(
                'case when settles_daily then ' ~ value ~ ' - opening_value - (' ~ booked ~ ') else ' ~ value ~ ' end * fx_rate',
                'base_minor_unit'
            ) }} as {{ step }}_step_base,
        {% endfor %}
        {% for booked in ['amended', 'cancelled', 'late', 'event', 'new'] %}
            case when settles_daily then 0 else {{ booked }}_amount_base end as {{ booked }}_booked_base{{ "," if not loop.last }}
        {% endfor %}
    from steps
),

components as (
    select
        book_id,
        account_id,
        instrument_id,
        product_line,
        currency_code,
        opening_worth + opening_accrued as opening_value_amount,
        closing_worth + closing_accrued as closing_value_amount,
        net_cash_in as net_cash_in_amount,
        repriced_value - opening_value as price_amount,
        closing_accrued - opening_accrued - traded_accrued + coupon_amount as accrual_amount,
        0::numeric as fx_amount,
        income_amount,
        -fee_amount as fees_amount,
        closing_value - restated_value - new_amount as new_trades_amount,
        amended_value - repriced_value - amended_amount as amended_trades_amount,
        cancelled_value - amended_value - cancelled_amount as cancelled_trades_amount,
        late_value - cancelled_value - late_amount as late_trades_amount,
        restated_value - late_value - event_amount as corporate_actions_amount,
        opening_worth_base + opening_accrued_base as opening_value_amount_base,
        closing_worth_base + closing_accrued_base as closing_value_amount_base,
        net_cash_in_base as net_cash_in_amount_base,
        repriced_step_base - opening_at_todays_rate as price_amount_base,
        closing_accrued_base - accrued_at_todays_rate - traded_accrued_base + coupon_amount_base as accrual_amount_base,
        opening_at_todays_rate - opening_worth_base + accrued_at_todays_rate - opening_accrued_base as fx_translation_amount_base,
        0::numeric as fx_transaction_amount_base,
        income_amount_base,
        -fee_amount_base as fees_amount_base,
        closing_step_base - restated_step_base - new_booked_base as new_trades_amount_base,
        amended_step_base - repriced_step_base - amended_booked_base as amended_trades_amount_base,
        cancelled_step_base - amended_step_base - cancelled_booked_base as cancelled_trades_amount_base,
        late_step_base - cancelled_step_base - late_booked_base as late_trades_amount_base,
        restated_step_base - late_step_base - event_booked_base as corporate_actions_amount_base
    from steps_in_base
    union all
    select
        book_id,
        '' as account_id,
        'CASH:' || currency_code as instrument_id,
        'cash' as product_line,
        currency_code,
        opening_amount as opening_value_amount,
        closing_amount as closing_value_amount,
        flow_amount as net_cash_in_amount,
        0 as price_amount,
        0 as accrual_amount,
        0 as fx_amount,
        0 as income_amount,
        0 as fees_amount,
        0 as new_trades_amount,
        0 as amended_trades_amount,
        0 as cancelled_trades_amount,
        0 as late_trades_amount,
        0 as corporate_actions_amount,
        opening_amount_base as opening_value_amount_base,
        closing_amount_base as closing_value_amount_base,
        flow_amount_base as net_cash_in_amount_base,
        0 as price_amount_base,
        0 as accrual_amount_base,
        0 as fx_translation_amount_base,
        fx_transaction_amount_base,
        0 as income_amount_base,
        0 as fees_amount_base,
        0 as new_trades_amount_base,
        amended_trades_amount_base,
        cancelled_trades_amount_base,
        late_trades_amount_base,
        corporate_actions_amount_base
    from {{ ref('int_cash__claims_explained') }}
    where business_date = {{ business_date() }}
),

summed as (
    select
        components.*,
        price_amount + accrual_amount + fx_amount + income_amount + fees_amount + new_trades_amount + amended_trades_amount
        + cancelled_trades_amount + late_trades_amount + corporate_actions_amount as total_amount,
        price_amount_base + accrual_amount_base + fx_translation_amount_base + fx_transaction_amount_base + income_amount_base
        + fees_amount_base + new_trades_amount_base + amended_trades_amount_base + cancelled_trades_amount_base
        + late_trades_amount_base + corporate_actions_amount_base as total_amount_base
    from components
),

books as (
    select * from {{ as_known(ref('stg_books__books'), ['book_id']) }} as known
),

profit_and_loss as (
    select
        {{ business_date() }} as business_date,
        summed.book_id,
        summed.account_id,
        summed.instrument_id,
        books.desk_id,
        summed.product_line,
        summed.currency_code,
        summed.opening_value_amount::numeric(24, 4) as opening_value_amount,
        summed.closing_value_amount::numeric(24, 4) as closing_value_amount,
        summed.net_cash_in_amount::numeric(24, 4) as net_cash_in_amount,
        summed.price_amount::numeric(24, 4) as price_amount,
        summed.accrual_amount::numeric(24, 4) as accrual_amount,
        summed.fx_amount::numeric(24, 4) as fx_amount,
        summed.income_amount::numeric(24, 4) as income_amount,
        summed.fees_amount::numeric(24, 4) as fees_amount,
        summed.new_trades_amount::numeric(24, 4) as new_trades_amount,
        summed.amended_trades_amount::numeric(24, 4) as amended_trades_amount,
        summed.cancelled_trades_amount::numeric(24, 4) as cancelled_trades_amount,
        summed.late_trades_amount::numeric(24, 4) as late_trades_amount,
        summed.corporate_actions_amount::numeric(24, 4) as corporate_actions_amount,
        (summed.amended_trades_amount + summed.cancelled_trades_amount + summed.late_trades_amount)::numeric(24, 4)
            as prior_day_corrections_amount,
        summed.total_amount::numeric(24, 4) as total_amount,
        (
            summed.closing_value_amount - summed.opening_value_amount - summed.net_cash_in_amount - summed.total_amount
        )::numeric(24, 4) as residual_amount,
        summed.opening_value_amount_base::numeric(24, 4) as opening_value_amount_base,
        summed.closing_value_amount_base::numeric(24, 4) as closing_value_amount_base,
        summed.net_cash_in_amount_base::numeric(24, 4) as net_cash_in_amount_base,
        summed.price_amount_base::numeric(24, 4) as price_amount_base,
        summed.accrual_amount_base::numeric(24, 4) as accrual_amount_base,
        summed.fx_translation_amount_base::numeric(24, 4) as fx_translation_amount_base,
        summed.fx_transaction_amount_base::numeric(24, 4) as fx_transaction_amount_base,
        (summed.fx_translation_amount_base + summed.fx_transaction_amount_base)::numeric(24, 4) as fx_amount_base,
        summed.income_amount_base::numeric(24, 4) as income_amount_base,
        summed.fees_amount_base::numeric(24, 4) as fees_amount_base,
        summed.new_trades_amount_base::numeric(24, 4) as new_trades_amount_base,
        summed.amended_trades_amount_base::numeric(24, 4) as amended_trades_amount_base,
        summed.cancelled_trades_amount_base::numeric(24, 4) as cancelled_trades_amount_base,
        summed.late_trades_amount_base::numeric(24, 4) as late_trades_amount_base,
        summed.corporate_actions_amount_base::numeric(24, 4) as corporate_actions_amount_base,
        (summed.amended_trades_amount_base + summed.cancelled_trades_amount_base + summed.late_trades_amount_base)::numeric(24, 4)
            as prior_day_corrections_amount_base,
        summed.total_amount_base::numeric(24, 4) as total_amount_base,
        (
            summed.closing_value_amount_base - summed.opening_value_amount_base - summed.net_cash_in_amount_base
            - summed.total_amount_base
        )::numeric(24, 4) as residual_amount_base,
        coalesce(lots.realised_amount, 0)::numeric(24, 4) as realised_amount,
        coalesce(case when instruments.settles_daily or instruments.exchanges_at_maturity then lots.realised_price_amount_base else lots.realised_amount_base end, 0)::numeric(24, 4)
            as realised_amount_base,
        coalesce(lots.realised_price_amount_base, 0)::numeric(24, 4) as realised_price_amount_base,
        case
            when instruments.settles_daily or instruments.exchanges_at_maturity then 0
            else coalesce(lots.realised_amount_base, 0) - coalesce(lots.realised_price_amount_base, 0)
        end::numeric(24, 4) as realised_fx_amount_base
    from summed
    inner join books on summed.book_id = books.book_id
    left join {{ ref('int_reference__instruments_known') }} as instruments
        on
            summed.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    left join {{ ref('int_lots__matched') }} as lots
        on
            summed.book_id = lots.book_id
            and summed.account_id = lots.account_id
            and summed.instrument_id = lots.instrument_id
            and lots.business_date = {{ business_date() }}
)

select * from profit_and_loss
