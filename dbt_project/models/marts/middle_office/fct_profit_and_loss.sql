{{ config(indexes=[{'columns': ['business_date', 'book_id']}]) }}

-- The day's result per book, account and instrument, told in steps that telescope: each step is the difference of two
-- rounded values, so the components add up to the change in value and cash without a residual.
--   opening value at yesterday's price -> at today's price        price
--   -> with what was corrected of earlier days                    corrections
--   -> with today's trades                                        new trades

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
            market_value_amount,
            market_value_amount_base,
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
            market_value_amount,
            market_value_amount_base,
            accrued_interest_amount,
            accrued_interest_amount_base
        from {{ ref('fct_positions') }}
        where false
    {% endif %}
),

traded as (
    select
        book_id,
        account_id,
        instrument_id,
        coalesce(sum(quantity) filter (where movement_type <> 'NEW'), 0) as corrected_quantity,
        coalesce(sum(gross_amount) filter (where movement_type <> 'NEW'), 0) as corrected_amount,
        coalesce(sum(gross_amount_base) filter (where movement_type <> 'NEW'), 0) as corrected_amount_base,
        coalesce(sum(gross_amount) filter (where movement_type = 'NEW'), 0) as new_amount,
        coalesce(sum(gross_amount_base) filter (where movement_type = 'NEW'), 0) as new_amount_base,
        sum(accrued_amount) as accrued_amount,
        sum(accrued_amount_base) as accrued_amount_base,
        sum(fee_amount) as fee_amount,
        sum(fee_amount_base) as fee_amount_base
    from {{ ref('int_trades__movements') }}
    where business_date = {{ business_date() }}
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

keys as (
    select book_id, account_id, instrument_id from today
    union
    select book_id, account_id, instrument_id from yesterday where traded_quantity <> 0
    union
    select book_id, account_id, instrument_id from income
),

levels as (
    select
        keys.book_id,
        keys.account_id,
        keys.instrument_id,
        instruments.product_line,
        instruments.currency_code,
        rates.rate as fx_rate,
        rates.base_minor_unit,
        coalesce(yesterday.market_value_amount, 0) as opening_value,
        coalesce(yesterday.market_value_amount_base, 0) as opening_value_base,
        coalesce(yesterday.accrued_interest_amount, 0) as opening_accrued,
        coalesce(yesterday.accrued_interest_amount_base, 0) as opening_accrued_base,
        case
            when today.is_price_missing then coalesce(yesterday.market_value_amount, 0)
            else {{ round_money('coalesce(yesterday.traded_quantity, 0) * today.price / instruments.price_divisor', 'rates.minor_unit') }}
        end as repriced_value,
        case
            when today.is_price_missing
                then coalesce(yesterday.market_value_amount, 0) + coalesce(traded.corrected_amount, 0)
            else
                {{ round_money(
                    '(coalesce(yesterday.traded_quantity, 0) + coalesce(traded.corrected_quantity, 0))
                    * today.price / instruments.price_divisor', 'rates.minor_unit') }}
        end as corrected_value,
        coalesce(today.market_value_amount, 0) as closing_value,
        coalesce(today.market_value_amount_base, 0) as closing_value_base,
        coalesce(today.accrued_interest_amount, 0) as closing_accrued,
        coalesce(today.accrued_interest_amount_base, 0) as closing_accrued_base,
        coalesce(traded.corrected_amount, 0) as corrected_amount,
        coalesce(traded.corrected_amount_base, 0) as corrected_amount_base,
        coalesce(traded.new_amount, 0) as new_amount,
        coalesce(traded.new_amount_base, 0) as new_amount_base,
        coalesce(traded.accrued_amount, 0) as traded_accrued,
        coalesce(traded.accrued_amount_base, 0) as traded_accrued_base,
        coalesce(traded.fee_amount, 0) as fee_amount,
        coalesce(traded.fee_amount_base, 0) as fee_amount_base,
        coalesce(income.coupon_amount, 0) as coupon_amount,
        coalesce(income.coupon_amount_base, 0) as coupon_amount_base,
        coalesce(income.income_amount, 0) as income_amount,
        coalesce(income.income_amount_base, 0) as income_amount_base
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
),

-- A key that was flat yesterday and did not move has no row today and no price to need.
levels_in_base as (
    select
        levels.*,
        coalesce(levels.repriced_value, 0) as repriced,
        coalesce(levels.corrected_value, 0) as corrected,
        {{ round_money('levels.opening_value * levels.fx_rate', 'levels.base_minor_unit') }} as opening_at_todays_rate,
        {{ round_money('levels.opening_accrued * levels.fx_rate', 'levels.base_minor_unit') }} as accrued_at_todays_rate,
        {{ round_money('coalesce(levels.repriced_value, 0) * levels.fx_rate', 'levels.base_minor_unit') }} as repriced_base,
        {{ round_money('coalesce(levels.corrected_value, 0) * levels.fx_rate', 'levels.base_minor_unit') }} as corrected_base
    from levels
),

components as (
    select
        book_id,
        account_id,
        instrument_id,
        product_line,
        currency_code,
        repriced - opening_value as price_amount,
        closing_accrued - opening_accrued - traded_accrued + coupon_amount as accrual_amount,
        0::numeric as fx_amount,
        income_amount,
        -fee_amount as fees_amount,
        closing_value - corrected - new_amount as new_trades_amount,
        corrected - repriced - corrected_amount as corrections_amount,
        repriced_base - opening_at_todays_rate as price_amount_base,
        closing_accrued_base - accrued_at_todays_rate - traded_accrued_base + coupon_amount_base as accrual_amount_base,
        opening_at_todays_rate - opening_value_base + accrued_at_todays_rate - opening_accrued_base as fx_amount_base,
        income_amount_base,
        -fee_amount_base as fees_amount_base,
        closing_value_base - corrected_base - new_amount_base as new_trades_amount_base,
        corrected_base - repriced_base - corrected_amount_base as corrections_amount_base
    from levels_in_base
    union all
    select
        book_id,
        '' as account_id,
        'CASH:' || currency_code as instrument_id,
        'cash' as product_line,
        currency_code,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        closing_amount_base - opening_amount_base - flow_amount_base,
        0,
        0,
        0,
        0
    from {{ ref('int_cash__flows_due') }}
    where business_date = {{ business_date() }}
),

books as (
    select * from {{ as_known(ref('stg_books__books'), ['book_id']) }} as known
),

profit_and_loss as (
    select
        {{ business_date() }} as business_date,
        components.book_id,
        components.account_id,
        components.instrument_id,
        books.desk_id,
        components.product_line,
        components.currency_code,
        components.price_amount::numeric(24, 4) as price_amount,
        components.accrual_amount::numeric(24, 4) as accrual_amount,
        components.fx_amount::numeric(24, 4) as fx_amount,
        components.income_amount::numeric(24, 4) as income_amount,
        components.fees_amount::numeric(24, 4) as fees_amount,
        components.new_trades_amount::numeric(24, 4) as new_trades_amount,
        components.corrections_amount::numeric(24, 4) as corrections_amount,
        (
            components.price_amount + components.accrual_amount + components.fx_amount + components.income_amount
            + components.fees_amount + components.new_trades_amount + components.corrections_amount
        )::numeric(24, 4) as total_amount,
        components.price_amount_base::numeric(24, 4) as price_amount_base,
        components.accrual_amount_base::numeric(24, 4) as accrual_amount_base,
        components.fx_amount_base::numeric(24, 4) as fx_amount_base,
        components.income_amount_base::numeric(24, 4) as income_amount_base,
        components.fees_amount_base::numeric(24, 4) as fees_amount_base,
        components.new_trades_amount_base::numeric(24, 4) as new_trades_amount_base,
        components.corrections_amount_base::numeric(24, 4) as corrections_amount_base,
        (
            components.price_amount_base + components.accrual_amount_base + components.fx_amount_base
            + components.income_amount_base + components.fees_amount_base + components.new_trades_amount_base
            + components.corrections_amount_base
        )::numeric(24, 4) as total_amount_base,
        coalesce(lots.realised_amount, 0)::numeric(24, 4) as realised_amount,
        coalesce(lots.realised_amount_base, 0)::numeric(24, 4) as realised_amount_base,
        coalesce(lots.realised_price_amount_base, 0)::numeric(24, 4) as realised_price_amount_base,
        (coalesce(lots.realised_amount_base, 0) - coalesce(lots.realised_price_amount_base, 0))::numeric(24, 4)
            as realised_fx_amount_base
    from components
    inner join books on components.book_id = books.book_id
    left join {{ ref('int_lots__matched') }} as lots
        on
            components.book_id = lots.book_id
            and components.account_id = lots.account_id
            and components.instrument_id = lots.instrument_id
            and lots.business_date = {{ business_date() }}
)

select * from profit_and_loss
