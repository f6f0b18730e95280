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
-- Claims in foreign currency stand as CASH:<currency>; their change of value is the fx transaction result, apart from what amended,
-- cancelled and late trades and the events of earlier days change of them: from what was booked to today's value.
-- The residual looks at both ends and at what was paid, not at the steps.

with today as (
    select * from {{ ref('fct_positions') }} where business_date = {{ business_date() }}
),

yesterday as (
    {% if is_incremental() %}
        select
            book_id,
            account_id,
            instrument_id,
            traded_quantity,
            exposure_amount,
            exposure_amount_base,
            market_value_amount,
            market_value_amount_base,
            agreed_amount,
            accrued_interest_amount,
            accrued_interest_amount_base
        from {{ ref('fct_positions') }}
        where business_date = {{ previous_business_date() }}
    {% else %}
        select
            book_id,
            account_id,
            instrument_id,
            traded_quantity,
            exposure_amount,
            exposure_amount_base,
            market_value_amount,
            market_value_amount_base,
            agreed_amount,
            accrued_interest_amount,
            accrued_interest_amount_base
        from {{ ref('fct_positions') }}
        where false
    {% endif %}
),

-- What goes ex today as nothing but new units restates the opening position, and its price with it: that alone is no result.
gone_ex as (
    select
        event_id,
        instrument_id,
        account_id,
        book_id,
        ex_date,
        event_rank,
        retained_factor
    from {{ ref('int_corporate_actions__terms_known') }} as terms
    where
        business_date = {{ business_date() }}
        and ex_date > {{ previous_business_date() }}
        and {{ is_split('terms') }}
),

-- What goes ex today beside what stays, as in a spin-off, was part of what was held: the fall of the price for it alone is no result. What it is
-- worth for each unit of today, in the currency of the old instrument; as long as the new one has no price, nobody knows.
delivered_today as materialized (
    select
        terms.instrument_id,
        terms.account_id,
        terms.book_id,
        terms.received_units * prices.price * received.contract_size * received_rates.rate
        / (terms.old_units * received.price_divisor * rates.rate * later.factor) as value_per_unit
    from {{ ref('int_corporate_actions__terms_known') }} as terms
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            terms.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    inner join {{ ref('int_reference__instruments_known') }} as received
        on
            terms.received_instrument_id = received.instrument_id
            and received.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_prices') }} as prices
        on
            terms.received_instrument_id = prices.instrument_id
            and prices.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            instruments.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as received_rates
        on
            received.currency_code = received_rates.currency_code
            and received_rates.business_date = {{ business_date() }}
    -- the splits that follow it restate the unit it was for
    cross join lateral (
        select books.product(gone_ex.retained_factor) as factor
        from gone_ex
        where
            gone_ex.instrument_id = terms.instrument_id
            and gone_ex.account_id in ('', terms.account_id)
            and (gone_ex.ex_date, gone_ex.event_rank, gone_ex.event_id) > (terms.ex_date, terms.event_rank, terms.event_id)
    ) as later
    where
        terms.business_date = {{ business_date() }}
        and terms.ex_date > {{ previous_business_date() }}
        and terms.event_type in ('SPIN_OFF', 'RIGHTS_ISSUE')
        and terms.received_instrument_id is not null
),

-- What the forwards whose amounts were exchanged today, or taken back, were worth then.
exchanged as (
    select
        book_id,
        account_id,
        instrument_id,
        value_amount,
        value_amount_base
    from {{ ref('int_forwards__contracts') }}
    where
        business_date = {{ business_date() }}
        and contract_state <> 'OUTSTANDING'
),

-- What the day's events brought in for the position: cost from another instrument, less what was closed.
events as (
    select
        book_id,
        account_id,
        instrument_id,
        sum(amount) as amount,
        sum(amount_base) as amount_base
    from (
        select
            book_id,
            account_id,
            instrument_id,
            cost_moved_amount - value_amount as amount,
            cost_moved_amount_base - value_amount_base as amount_base
        from {{ ref('fct_corporate_actions') }}
        where business_date = {{ business_date() }}
        union all
        select
            book_id,
            account_id,
            instrument_id,
            -value_amount,
            -value_amount_base
        from exchanged
    ) as parts
    group by book_id, account_id, instrument_id
),

-- An exchange of currencies leaves two claims and no position: of it, only the fee belongs to the instrument. What was traded before a
-- split and booked after it counts in new units. For a currency forward nothing is paid but the fee.
moved as (
    select
        book_id,
        account_id,
        instrument_id,
        movement_type,
        case
            when movement_type = 'NEW' then quantity
            else round(quantity * {{ retained_units('movements', is_split('terms')) }}, 10)
        end as quantity,
        case when exchanged_currency_code is null and agreed_amount is null then gross_amount else 0 end as gross_amount,
        case when exchanged_currency_code is null and agreed_amount is null then gross_amount_base else 0 end as gross_amount_base,
        coalesce(agreed_amount, 0) as agreed_amount,
        accrued_amount,
        accrued_amount_base,
        fee_amount,
        fee_amount_base,
        case when exchanged_currency_code is null then -net_amount else fee_amount end as paid_amount,
        case when exchanged_currency_code is null then -net_amount_base else fee_amount_base end as paid_amount_base
    from {{ ref('int_trades__movements') }} as movements
    where business_date = {{ business_date() }}
),

traded as (
    select
        book_id,
        account_id,
        instrument_id,
        coalesce(sum(quantity) filter (where movement_type = 'AMENDMENT'), 0) as amended_quantity,
        coalesce(sum(gross_amount) filter (where movement_type = 'AMENDMENT'), 0) as amended_gross_amount,
        coalesce(sum(gross_amount_base) filter (where movement_type = 'AMENDMENT'), 0) as amended_gross_amount_base,
        coalesce(sum(agreed_amount) filter (where movement_type = 'AMENDMENT'), 0) as amended_agreed_amount,
        coalesce(sum(quantity) filter (where movement_type = 'CANCELLATION'), 0) as cancelled_quantity,
        coalesce(sum(gross_amount) filter (where movement_type = 'CANCELLATION'), 0) as cancelled_gross_amount,
        coalesce(sum(gross_amount_base) filter (where movement_type = 'CANCELLATION'), 0) as cancelled_gross_amount_base,
        coalesce(sum(agreed_amount) filter (where movement_type = 'CANCELLATION'), 0) as cancelled_agreed_amount,
        coalesce(sum(quantity) filter (where movement_type = 'LATE'), 0) as late_quantity,
        coalesce(sum(gross_amount) filter (where movement_type = 'LATE'), 0) as late_gross_amount,
        coalesce(sum(gross_amount_base) filter (where movement_type = 'LATE'), 0) as late_gross_amount_base,
        coalesce(sum(agreed_amount) filter (where movement_type = 'LATE'), 0) as late_agreed_amount,
        coalesce(sum(quantity) filter (where movement_type = 'NEW'), 0) as new_quantity,
        coalesce(sum(gross_amount) filter (where movement_type = 'NEW'), 0) as new_gross_amount,
        coalesce(sum(gross_amount_base) filter (where movement_type = 'NEW'), 0) as new_gross_amount_base,
        coalesce(sum(agreed_amount) filter (where movement_type = 'NEW'), 0) as new_agreed_amount,
        sum(accrued_amount) as accrued_amount,
        sum(accrued_amount_base) as accrued_amount_base,
        sum(fee_amount) as fee_amount,
        sum(fee_amount_base) as fee_amount_base
    from moved
    group by book_id, account_id, instrument_id
),

income as (
    select
        book_id,
        account_id,
        instrument_id,
        coalesce(sum(gross_amount) filter (where income_type = 'COUPON'), 0) as coupon_amount,
        coalesce(sum(gross_amount_base) filter (where income_type = 'COUPON'), 0) as coupon_amount_base,
        coalesce(sum(gross_amount) filter (where income_type <> 'COUPON'), 0) - sum(withholding_amount) as income_amount,
        coalesce(sum(gross_amount_base) filter (where income_type <> 'COUPON'), 0) - sum(withholding_amount_base)
            as income_amount_base
    from {{ ref('fct_income') }}
    where business_date = {{ business_date() }}
    group by book_id, account_id, instrument_id
),

-- What was paid into the securities (income comes out of them), whatever step it belongs to; cost that an event moves counts as paid.
paid as (
    select
        book_id,
        account_id,
        instrument_id,
        paid_amount as amount,
        paid_amount_base as amount_base
    from moved
    union all
    select
        book_id,
        account_id,
        instrument_id,
        -net_amount,
        -net_amount_base
    from {{ ref('fct_income') }}
    where business_date = {{ business_date() }}
    union all
    select
        actions.book_id,
        actions.account_id,
        actions.instrument_id,
        actions.cost_moved_amount - case when instruments.settles_daily then 0 else actions.value_amount end,
        actions.cost_moved_amount_base - actions.cash_amount_base
    from {{ ref('fct_corporate_actions') }} as actions
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            actions.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    where actions.business_date = {{ business_date() }}
    union all
    select
        book_id,
        account_id,
        instrument_id,
        -margin_amount,
        -margin_amount_base
    from {{ ref('fct_variation_margin') }}
    where business_date = {{ business_date() }}
    union all
    select
        book_id,
        account_id,
        instrument_id,
        -value_amount,
        -value_amount_base
    from exchanged
),

paid_for_securities as (
    select
        book_id,
        account_id,
        instrument_id,
        sum(amount) as amount,
        sum(amount_base) as amount_base
    from paid
    group by book_id, account_id, instrument_id
),

claims_yesterday as (
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

keys as (
    select book_id, account_id, instrument_id from today
    union
    select book_id, account_id, instrument_id from yesterday where traded_quantity <> 0 or agreed_amount <> 0
    union
    select book_id, account_id, instrument_id from income
    union
    select book_id, account_id, instrument_id from events
    union
    select book_id, account_id, instrument_id from traded where fee_amount <> 0 or fee_amount_base <> 0
),

delivered as (
    select
        keys.book_id,
        keys.account_id,
        keys.instrument_id,
        sum(delivered_today.value_per_unit) as value_per_unit
    from keys
    inner join delivered_today
        on
            keys.instrument_id = delivered_today.instrument_id
            and {{ concerns('delivered_today', 'keys') }}
    group by keys.book_id, keys.account_id, keys.instrument_id
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
        round(coalesce(yesterday.traded_quantity, 0) * restated.factor, 10) as opening_quantity,
        coalesce(delivered.value_per_unit, 0) as delivered_value,
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
        coalesce(traded.amended_quantity, 0) as amended_quantity,
        coalesce(traded.amended_gross_amount, 0) as amended_amount,
        coalesce(traded.amended_gross_amount_base, 0) as amended_amount_base,
        coalesce(traded.amended_agreed_amount, 0) as amended_agreed,
        coalesce(traded.cancelled_quantity, 0) as cancelled_quantity,
        coalesce(traded.cancelled_gross_amount, 0) as cancelled_amount,
        coalesce(traded.cancelled_gross_amount_base, 0) as cancelled_amount_base,
        coalesce(traded.cancelled_agreed_amount, 0) as cancelled_agreed,
        coalesce(traded.late_quantity, 0) as late_quantity,
        coalesce(traded.late_gross_amount, 0) as late_amount,
        coalesce(traded.late_gross_amount_base, 0) as late_amount_base,
        coalesce(traded.late_agreed_amount, 0) as late_agreed,
        coalesce(traded.new_quantity, 0) as new_quantity,
        coalesce(traded.new_gross_amount, 0) as new_amount,
        coalesce(traded.new_gross_amount_base, 0) as new_amount_base,
        coalesce(traded.new_agreed_amount, 0) as new_agreed,
        coalesce(traded.accrued_amount, 0) as traded_accrued,
        coalesce(traded.accrued_amount_base, 0) as traded_accrued_base,
        coalesce(traded.fee_amount, 0) as fee_amount,
        coalesce(traded.fee_amount_base, 0) as fee_amount_base,
        coalesce(income.coupon_amount, 0) as coupon_amount,
        coalesce(income.coupon_amount_base, 0) as coupon_amount_base,
        coalesce(income.income_amount, 0) as income_amount,
        coalesce(income.income_amount_base, 0) as income_amount_base,
        coalesce(events.amount, 0) as event_amount,
        coalesce(events.amount_base, 0) as event_amount_base,
        coalesce(paid_for_securities.amount, 0) as net_cash_in,
        coalesce(paid_for_securities.amount_base, 0) as net_cash_in_base
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
    left join traded
        on
            keys.book_id = traded.book_id
            and keys.account_id = traded.account_id
            and keys.instrument_id = traded.instrument_id
    left join income
        on
            keys.book_id = income.book_id
            and keys.account_id = income.account_id
            and keys.instrument_id = income.instrument_id
    cross join lateral (
        select books.product(gone_ex.retained_factor) as factor
        from gone_ex
        where
            gone_ex.instrument_id = keys.instrument_id
            and {{ concerns('gone_ex', 'keys') }}
            -- its ex date was moved to today from one on which it had restated the position already
            and not exists (
                select 1
                from {{ ref('fct_corporate_actions') }} as booked
                where
                    booked.event_id = gone_ex.event_id
                    and booked.book_id = keys.book_id
                    and booked.account_id = keys.account_id
                    and booked.instrument_id = keys.instrument_id
                    and booked.business_date < {{ business_date() }}
                having sum(booked.quantity_change) <> 0
            )
    ) as restated
    left join delivered
        on
            keys.book_id = delivered.book_id
            and keys.account_id = delivered.account_id
            and keys.instrument_id = delivered.instrument_id
    left join events
        on
            keys.book_id = events.book_id
            and keys.account_id = events.account_id
            and keys.instrument_id = events.instrument_id
    left join paid_for_securities
        on
            keys.book_id = paid_for_securities.book_id
            and keys.account_id = paid_for_securities.account_id
            and keys.instrument_id = paid_for_securities.instrument_id
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
        opening_step_base - carried_amount_base
        + closing_amount_base - event_step_base
        - (flow_amount_base - amended_amount_base - cancelled_amount_base - late_amount_base - event_amount_base)
            as fx_transaction_amount_base,
        0 as income_amount_base,
        0 as fees_amount_base,
        0 as new_trades_amount_base,
        amended_step_base - opening_step_base - amended_amount_base as amended_trades_amount_base,
        cancelled_step_base - amended_step_base - cancelled_amount_base as cancelled_trades_amount_base,
        late_step_base - cancelled_step_base - late_amount_base as late_trades_amount_base,
        event_step_base - late_step_base - event_amount_base as corporate_actions_amount_base
    from claims
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
