{{ config(indexes=[{'columns': ['business_date', 'instrument_id']}]) }}

with traded as (
    select *
    from {{ ref('int_lots__matched') }}
    where business_date = {{ business_date() }}
),

settled as (
    select *
    from {{ ref('int_positions__settled') }}
    where business_date = {{ business_date() }}
),

-- What is still to be given for the notional of currency forwards; those whose amounts were exchanged today moved, too.
forwards as (
    select
        book_id,
        account_id,
        instrument_id,
        coalesce(sum(agreed_amount) filter (where contract_state = 'OUTSTANDING'), 0) as agreed_amount
    from {{ ref('int_forwards__contracts') }}
    where business_date = {{ business_date() }}
    group by book_id, account_id, instrument_id
),

moved as (
    select distinct book_id, account_id, instrument_id
    from {{ ref('int_trades__movements') }}
    where
        business_date = {{ business_date() }}
        and exchanged_currency_code is null
    union
    select book_id, account_id, instrument_id
    from {{ ref('fct_corporate_actions') }}
    where business_date = {{ business_date() }}
),

-- A key stays in the mart as long as something is held or open, and on every day it moved.
keys as (
    select book_id, account_id, instrument_id from traded where quantity <> 0
    union
    select book_id, account_id, instrument_id from settled
    union
    select book_id, account_id, instrument_id from moved
    union
    select book_id, account_id, instrument_id from forwards
),

held as (
    select
        keys.book_id,
        keys.account_id,
        keys.instrument_id,
        instruments.product_line,
        instruments.currency_code,
        instruments.price_divisor,
        instruments.contract_size,
        instruments.accrues_interest,
        instruments.settles_daily,
        instruments.is_delivered,
        instruments.exchanges_at_maturity,
        case when instruments.exchanges_at_maturity then coalesce(forwards.agreed_amount, 0) end as agreed_amount,
        market.discount_factor,
        rates.rate as fx_rate,
        rates.minor_unit,
        rates.base_minor_unit,
        prices.price,
        prices.price_date,
        coalesce(prices.is_price_stale, false) or coalesce(market.factor_date < {{ business_date() }}, false) as is_price_stale,
        prices.price is null or (instruments.exchanges_at_maturity and market.discount_factor is null) as is_price_missing,
        accruals.accrued_percent,
        coalesce(traded.quantity, 0) as traded_quantity,
        -- what is not delivered is where it was traded
        case when instruments.is_delivered then coalesce(settled.quantity, 0) else coalesce(traded.quantity, 0) end as settled_quantity,
        coalesce(traded.cost_amount, 0) as cost_amount,
        coalesce(traded.cost_amount_base, 0) as cost_amount_base
    from keys
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            keys.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            instruments.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    left join {{ ref('int_market__closing_prices') }} as prices
        on
            keys.instrument_id = prices.instrument_id
            and prices.business_date = {{ business_date() }}
    left join {{ ref('int_market__forwards') }} as market
        on
            instruments.exchanges_at_maturity
            and keys.instrument_id = market.instrument_id
            and market.business_date = {{ business_date() }}
    left join forwards
        on
            keys.book_id = forwards.book_id
            and keys.account_id = forwards.account_id
            and keys.instrument_id = forwards.instrument_id
    left join {{ ref('stg_books__bond_accruals') }} as accruals
        on
            instruments.accrues_interest
            and keys.instrument_id = accruals.instrument_id
            and instruments.terms_sha = accruals.terms_sha
            and instruments.standard_settlement_date = accruals.accrual_date
    left join traded
        on
            keys.book_id = traded.book_id
            and keys.account_id = traded.account_id
            and keys.instrument_id = traded.instrument_id
    left join settled
        on
            keys.book_id = settled.book_id
            and keys.account_id = settled.account_id
            and keys.instrument_id = settled.instrument_id
),

-- Without any price the position stands at cost, marked as such; a critical control reports it.
valued as (
    select
        held.*,
        case
            when held.price is null then held.cost_amount
            else {{ round_money('held.traded_quantity * held.price * held.contract_size / held.price_divisor', 'held.minor_unit') }}
        end as exposure_amount,
        -- a currency forward that nothing says anything of is worth what it was dealt at: nothing
        case
            when not held.exchanges_at_maturity or held.is_price_missing then 0
            else {{ round_money(
                fair_value('held.traded_quantity', 'held.price * held.contract_size / held.price_divisor', 'held.agreed_amount',
                           'held.discount_factor'), 'held.minor_unit'
            ) }}
        end as fair_value_amount,
        case
            when held.accrues_interest
                then {{ round_money('held.traded_quantity * held.accrued_percent / 100', 'held.minor_unit') }}
            else 0
        end as accrued_interest_amount
    from held
),

in_base as (
    select
        valued.*,
        {{ round_money('valued.exposure_amount * valued.fx_rate', 'valued.base_minor_unit') }} as exposure_amount_base,
        {{ round_money('valued.fair_value_amount * valued.fx_rate', 'valued.base_minor_unit') }} as fair_value_amount_base,
        -- of a forward, what trades the other way have locked in is realised, and no part of it
        case
            when valued.exchanges_at_maturity then valued.fair_value_amount + valued.agreed_amount
            else valued.exposure_amount
        end - valued.cost_amount as open_result_amount,
        {{ round_money('valued.accrued_interest_amount * valued.fx_rate', 'valued.base_minor_unit') }}
            as accrued_interest_amount_base
    from valued
),

with_open_result as (
    select
        in_base.*,
        {{ round_money('in_base.open_result_amount * in_base.fx_rate', 'in_base.base_minor_unit') }} as open_result_at_todays_rate
    from in_base
),

positions as (
    select
        {{ business_date() }} as business_date,
        book_id,
        account_id,
        instrument_id,
        product_line,
        currency_code,
        traded_quantity::numeric(28, 10) as traded_quantity,
        settled_quantity::numeric(28, 10) as settled_quantity,
        (cost_amount * price_divisor / contract_size / nullif(traded_quantity, 0))::numeric(28, 10) as average_price,
        cost_amount::numeric(24, 4) as cost_amount,
        cost_amount_base::numeric(24, 4) as cost_amount_base,
        price::numeric(28, 10) as price,
        price_date,
        is_price_stale,
        is_price_missing,
        fx_rate::numeric(28, 12) as fx_rate,
        exposure_amount::numeric(24, 4) as exposure_amount,
        exposure_amount_base::numeric(24, 4) as exposure_amount_base,
        -- what is paid every day leaves no value behind, and a forward is off the balance sheet but for its fair value
        case
            when settles_daily then 0
            when exchanges_at_maturity then fair_value_amount
            else exposure_amount
        end::numeric(24, 4) as market_value_amount,
        case
            when settles_daily then 0
            when exchanges_at_maturity then fair_value_amount_base
            else exposure_amount_base
        end::numeric(24, 4) as market_value_amount_base,
        accrued_interest_amount::numeric(24, 4) as accrued_interest_amount,
        accrued_interest_amount_base::numeric(24, 4) as accrued_interest_amount_base,
        open_result_amount::numeric(24, 4) as unrealised_amount,
        case
            when settles_daily or exchanges_at_maturity then open_result_at_todays_rate
            else exposure_amount_base - cost_amount_base
        end::numeric(24, 4) as unrealised_amount_base,
        agreed_amount::numeric(24, 4) as agreed_amount,
        case when exchanges_at_maturity then discount_factor end::numeric(28, 12) as discount_factor
    from with_open_result
)

select * from positions
