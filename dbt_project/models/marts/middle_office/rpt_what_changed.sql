{{ config(indexes=[{'columns': ['figure_date', 'book_id', 'instrument_id']}]) }}

-- What a business date learned about the dates closed before it, and what each trade, price, fixing or event changed in their figures.
-- The steps of a figure telescope, each from the value before it to the value after it, in the order of step_no:
--   terms or rounding, trades by their id, corporate actions, price, exchange rate, income
-- The value of a currency forward is its fair value: outright rate and discount factor are its price, and its exchange on the value date an event.
-- The claims that these leave stand as CASH:<currency>, with steps of their own.
-- A figure as known at a later date is that of its own evening plus the changes learned since.

with figure_dates as (
    select business_date as figure_date
    from {{ ref('stg_operations__day_closings') }}
    where business_date < {{ business_date() }}
),

instruments as (
    select
        known.instrument_id,
        known.currency_code,
        known.market_mic,
        known.price_divisor,
        known.contract_size,
        known.accrues_interest,
        known.settles_daily,
        known.fixed_price,
        known.exchanges_at_maturity,
        known.notional_currency_code,
        known.maturity_date,
        known.terms_sha,
        known.index_name,
        known.fixing_days,
        known.lookback_days,
        rates.rate as todays_rate,
        rates.base_currency_code,
        rates.minor_unit,
        rates.base_minor_unit
    from {{ ref('int_reference__instruments_known') }} as known
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            known.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    where known.business_date = {{ business_date() }}
),

trades_corrected as (
    select
        figure_dates.figure_date,
        movements.book_id,
        movements.account_id,
        movements.instrument_id,
        1 as step,
        movements.movement_type as event_type,
        movements.trade_id as event_id,
        sum(sizes.quantity) as quantity,
        sum(sizes.gross_amount) as gross_amount,
        sum(sizes.gross_amount_base) as gross_amount_base,
        -- against the exposure, also where only the fee is paid
        sum(sizes.gross_amount + movements.accrued_amount + movements.fee_amount) as paid_amount,
        sum(sizes.gross_amount_base + movements.accrued_amount_base + movements.fee_amount_base) as paid_amount_base,
        coalesce(sum(movements.agreed_amount), 0) as agreed_amount
    from {{ ref('int_trades__movements') }} as movements
    inner join figure_dates on movements.trade_date <= figure_dates.figure_date
    -- an exchange of currencies is no position, and a currency forward is not paid for: of both, only the fee was paid for the instrument
    cross join lateral (
        select
            case when movements.exchanged_currency_code is null then movements.quantity else 0 end as quantity,
            case
                when movements.exchanged_currency_code is null and movements.agreed_amount is null then movements.gross_amount else 0
            end as gross_amount,
            case
                when movements.exchanged_currency_code is null and movements.agreed_amount is null then movements.gross_amount_base else 0
            end as gross_amount_base
    ) as sizes
    where
        movements.business_date = {{ business_date() }}
        -- those of the date itself concern no date before it
        and movements.movement_type <> 'NEW'
    group by
        figure_dates.figure_date,
        movements.book_id,
        movements.account_id,
        movements.instrument_id,
        movements.movement_type,
        movements.trade_id
),

-- What events that were announced, amended or withdrawn today, or met one of these trades, changed of earlier days.
events_corrected as (
    select
        figure_dates.figure_date,
        actions.book_id,
        actions.account_id,
        actions.instrument_id,
        2 as step,
        'CORPORATE_ACTION'::text as event_type,
        actions.event_id,
        sum(actions.quantity_change) as quantity,
        sum(actions.cost_moved_amount - actions.value_amount) as gross_amount,
        sum(actions.cost_moved_amount_base - actions.value_amount_base) as gross_amount_base,
        sum(actions.cost_moved_amount - actions.value_amount) as paid_amount,
        sum(actions.cost_moved_amount_base - actions.value_amount_base) as paid_amount_base,
        sum(actions.agreed_amount) as agreed_amount
    from (
        select
            event_id,
            book_id,
            account_id,
            instrument_id,
            ex_date,
            quantity_change,
            cost_moved_amount,
            cost_moved_amount_base,
            value_amount,
            value_amount_base,
            0 as agreed_amount
        from {{ ref('fct_corporate_actions') }}
        where business_date = {{ business_date() }}
        union all
        select
            'MAT:' || instrument_id,
            book_id,
            account_id,
            instrument_id,
            value_date,
            0,
            0,
            0,
            value_amount,
            value_amount_base,
            -agreed_amount
        from {{ ref('int_forwards__contracts') }}
        where
            business_date = {{ business_date() }}
            and contract_state <> 'OUTSTANDING'
    ) as actions
    inner join figure_dates on actions.ex_date <= figure_dates.figure_date
    group by
        figure_dates.figure_date,
        actions.book_id,
        actions.account_id,
        actions.instrument_id,
        actions.event_id
),

income_corrected as (
    select
        figure_dates.figure_date,
        income.book_id,
        income.account_id,
        income.instrument_id,
        5 as step,
        'INCOME'::text as event_type,
        income.event_id,
        0::numeric as quantity,
        0::numeric as gross_amount,
        0::numeric as gross_amount_base,
        -sum(income.net_amount) as paid_amount,
        -sum(income.net_amount_base) as paid_amount_base,
        0::numeric as agreed_amount
    from {{ ref('fct_income') }} as income
    inner join figure_dates on income.ex_date <= figure_dates.figure_date
    where income.business_date = {{ business_date() }}
    group by
        figure_dates.figure_date,
        income.book_id,
        income.account_id,
        income.instrument_id,
        income.event_id
),

events as (
    select * from trades_corrected
    union all
    select * from events_corrected
    union all
    select * from income_corrected
),

-- Prices and rates that came today for dates before it; where they change nothing, they leave no row below.
instruments_repriced as (
    select
        prices.instrument_id,
        min(prices.price_date) as first_date
    from {{ ref('stg_books__prices') }} as prices
    where
        prices.business_date = {{ business_date() }}
        and prices.price_date < {{ business_date() }}
    group by prices.instrument_id
    union all
    -- an outright rate, a discount factor or, as both ends of the first days, a rate
    select
        instruments.instrument_id,
        min(quotes.quote_date)
    from instruments
    inner join (
        select
            notional_currency_code,
            currency_code,
            rate_date as quote_date
        from {{ ref('stg_books__forward_rates') }}
        where business_date = {{ business_date() }}
        union all
        select
            null,
            currency_code,
            factor_date
        from {{ ref('stg_books__discount_factors') }}
        where business_date = {{ business_date() }}
        union all
        select
            null,
            currency_code,
            rate_date
        from {{ ref('stg_books__fx_rates') }}
        where business_date = {{ business_date() }}
        union all
        select
            currency_code,
            null,
            rate_date
        from {{ ref('stg_books__fx_rates') }}
        where business_date = {{ business_date() }}
    ) as quotes
        on
            (quotes.currency_code = instruments.currency_code or quotes.currency_code is null)
            and (quotes.notional_currency_code = instruments.notional_currency_code or quotes.notional_currency_code is null)
    where
        instruments.exchanges_at_maturity
        and quotes.quote_date < {{ business_date() }}
    group by instruments.instrument_id
    union all
    -- a value date that was moved
    select
        instruments.instrument_id,
        '-infinity'::date
    from instruments
    inner join {{ ref('stg_books__instruments') }} as stated
        on
            instruments.instrument_id = stated.instrument_id
            and stated.business_date = {{ business_date() }}
    where instruments.exchanges_at_maturity
),

-- Bonds whose terms are others today: the closed dates on which another interest had accrued by them.
bonds_restated as (
    select
        instruments.instrument_id,
        figure_dates.figure_date
    from instruments
    inner join {{ ref('int_reference__instruments_known') }} as formerly
        on
            instruments.instrument_id = formerly.instrument_id
            and formerly.business_date = {{ previous_business_date() }}
    inner join {{ ref('stg_books__settlement_cycles') }} as cycles on instruments.market_mic = cycles.market_mic
    inner join figure_dates on cycles.trade_date = figure_dates.figure_date
    inner join {{ ref('stg_books__bond_accruals') }} as after_accruals
        on
            instruments.instrument_id = after_accruals.instrument_id
            and instruments.terms_sha = after_accruals.terms_sha
            and cycles.settlement_date = after_accruals.accrual_date
    left join {{ ref('stg_books__bond_accruals') }} as before_accruals
        on
            formerly.instrument_id = before_accruals.instrument_id
            and formerly.terms_sha = before_accruals.terms_sha
            and cycles.settlement_date = before_accruals.accrual_date
    where
        instruments.accrues_interest
        and instruments.terms_sha <> formerly.terms_sha
        and before_accruals.accrued_percent is distinct from after_accruals.accrued_percent
),

currencies_restated as (
    {{ currencies_restated() }}
),

reported as not materialized (
    select
        positions.business_date as figure_date,
        positions.book_id,
        positions.account_id,
        positions.instrument_id,
        positions.traded_quantity as quantity,
        case when positions.agreed_amount is null then positions.exposure_amount else positions.market_value_amount end
            as market_value_amount,
        case when positions.agreed_amount is null then positions.exposure_amount_base else positions.market_value_amount_base end
            as market_value_amount_base,
        positions.exposure_amount,
        positions.exposure_amount_base,
        positions.agreed_amount,
        positions.accrued_interest_amount,
        positions.accrued_interest_amount_base
    from {{ ref('fct_positions') }} as positions
    where positions.business_date < {{ business_date() }}
    {% if is_incremental() %}
        union all
        select
            learned.figure_date,
            learned.book_id,
            learned.account_id,
            learned.instrument_id,
            learned.changed_quantity,
            case when learned.agreed_amount is null then learned.exposure_amount else learned.market_value_amount end,
            case when learned.agreed_amount is null then learned.exposure_amount_base else learned.market_value_amount_base end,
            learned.exposure_amount,
            learned.exposure_amount_base,
            learned.agreed_amount,
            learned.accrued_interest_amount,
            learned.accrued_interest_amount_base
        from {{ this }} as learned
        where learned.business_date < {{ business_date() }}
    {% endif %}
),

figures as (
    select distinct figure_date, book_id, account_id, instrument_id from events
    union
    select
        reported.figure_date,
        reported.book_id,
        reported.account_id,
        reported.instrument_id
    from reported
    inner join instruments_repriced
        on reported.instrument_id = instruments_repriced.instrument_id and reported.figure_date >= instruments_repriced.first_date
    union
    select
        reported.figure_date,
        reported.book_id,
        reported.account_id,
        reported.instrument_id
    from reported
    inner join bonds_restated
        on reported.instrument_id = bonds_restated.instrument_id and reported.figure_date = bonds_restated.figure_date
    union
    select
        reported.figure_date,
        reported.book_id,
        reported.account_id,
        reported.instrument_id
    from currencies_restated
    inner join instruments on currencies_restated.currency_code = instruments.currency_code
    inner join reported
        on instruments.instrument_id = reported.instrument_id and reported.figure_date >= currencies_restated.first_date
),

figures_known as (
    select
        figures.figure_date,
        figures.book_id,
        figures.account_id,
        figures.instrument_id,
        coalesce(sum(reported.quantity), 0) as quantity,
        coalesce(sum(reported.market_value_amount), 0) as market_value,
        coalesce(sum(reported.market_value_amount_base), 0) as market_value_base,
        coalesce(sum(reported.exposure_amount), 0) as exposure,
        coalesce(sum(reported.exposure_amount_base), 0) as exposure_base,
        coalesce(sum(reported.agreed_amount), 0) as agreed,
        coalesce(sum(reported.accrued_interest_amount), 0) as accrued,
        coalesce(sum(reported.accrued_interest_amount_base), 0) as accrued_base
    from figures
    left join reported
        on
            figures.figure_date = reported.figure_date
            and figures.book_id = reported.book_id
            and figures.account_id = reported.account_id
            and figures.instrument_id = reported.instrument_id
    group by figures.figure_date, figures.book_id, figures.account_id, figures.instrument_id
),

instruments_of_date as (
    select distinct figure_date, instrument_id from figures
),

-- Price, rate and accrued interest of each date as known yesterday and today. What never had a price stands at what it stood at and
-- what was paid since; a currency without a rate stands at today's.
market as (
    select
        instruments_of_date.figure_date,
        instruments.*,
        {% for known in ['before', 'after'] %}
            case
                when not coalesce(instruments.exchanges_at_maturity, false) then coalesce(instruments.fixed_price, {{ known }}_prices.price)
                when instruments.maturity_date <= instruments_of_date.figure_date then {{ spot_rate('notional_spot.rate', 'spot.rate') }}
                else {{ known }}_forwards.rate
            end as price_{{ known }},
            case when instruments.maturity_date <= instruments_of_date.figure_date then 1 else {{ known }}_factors.factor end
                as discount_factor_{{ known }},
        {% endfor %}
        to_char(coalesce(after_forwards.rate_date, after_prices.price_date), 'YYYY-MM-DD') as price_id,
        coalesce(after_forwards.revision, after_prices.revision) as price_revision,
        {{ rate_before_and_after('instruments.currency_code', 'instruments.base_currency_code', 'instruments.todays_rate') }},
        fixings.fixing_id,
        fixings.revision as fixing_revision,
        accruals.accrued_percent
    from instruments_of_date
    inner join instruments on instruments_of_date.instrument_id = instruments.instrument_id
    left join {{ ref('stg_books__settlement_cycles') }} as cycles
        on instruments.market_mic = cycles.market_mic and instruments_of_date.figure_date = cycles.trade_date
    left join {{ ref('stg_books__bond_accruals') }} as accruals
        on
            instruments.accrues_interest
            and instruments.instrument_id = accruals.instrument_id
            and instruments.terms_sha = accruals.terms_sha
            and cycles.settlement_date = accruals.accrual_date
    -- the fixing that came today of the period in which the interest of the date accrues; of those that are compounded, one that was corrected
    left join lateral (
        select
            known.index_name || ' ' || to_char(known.fixing_date, 'YYYY-MM-DD') as fixing_id,
            known.revision
        from {{ ref('stg_books__bond_coupons') }} as periods
        inner join {{ ref('stg_books__index_fixings') }} as known
            on
                known.index_name = instruments.index_name
                and known.business_date = {{ business_date() }}
                -- so many business days before it; where days are compounded, before one of them
                and known.fixing_date <= case
                    when instruments.lookback_days is null then periods.period_start_date - coalesce(instruments.fixing_days, 0)
                    else cycles.settlement_date - 1 - instruments.lookback_days
                end
                and known.fixing_date
                >= periods.period_start_date - 2 * coalesce(instruments.lookback_days, instruments.fixing_days, 0) - 7
        where
            periods.instrument_id = instruments.instrument_id
            and periods.terms_sha = instruments.terms_sha
            and periods.period_start_date <= cycles.settlement_date
            and cycles.settlement_date < periods.coupon_date
        order by
            instruments.lookback_days is not null
            and exists (
                select 1
                from {{ ref('stg_books__index_fixings') }} as earlier
                where
                    earlier.index_name = known.index_name
                    and earlier.fixing_date = known.fixing_date
                    and (earlier.business_date, earlier.revision) < (known.business_date, known.revision)
            ) desc,
            known.fixing_date desc,
            known.revision desc
        limit 1
    ) as fixings on true
    {% for known, limit in [('before', '<'), ('after', '<=')] %}
        left join lateral (
            select
                prices.price,
                prices.price_date,
                prices.revision
            from {{ ref('stg_books__prices') }} as prices
            where
                prices.instrument_id = instruments.instrument_id
                and not coalesce(instruments.exchanges_at_maturity, false)
                and prices.price_date <= instruments_of_date.figure_date
                and prices.business_date {{ limit }} {{ business_date() }}
            order by prices.price_date desc, prices.business_date desc, prices.revision desc
            limit 1
        ) as {{ known }}_prices on true
        left join lateral {{ forward_rate_known(
            'instruments', 'instruments.base_currency_code', 'instruments_of_date.figure_date', limit
        ) }} as {{ known }}_forwards on true
        left join lateral {{ discount_factor_known('instruments', 'instruments_of_date.figure_date', limit) }} as {{ known }}_factors on true
    {% endfor %}
    {% for currency, name in [('currency_code', 'spot'), ('notional_currency_code', 'notional_spot')] %}
        left join lateral (
            select closing.rate
            from {{ rate_from('instruments.' ~ currency, 'instruments.maturity_date') }} as closing
            where instruments.exchanges_at_maturity
        ) as {{ name }} on true
    {% endfor %}
    {{ rates_known('instruments.currency_code', 'instruments.base_currency_code', 'instruments_of_date.figure_date') }}
),

-- Every figure with its steps; the ones of price and rate are worked out for all, and fall away where nothing changed.
steps as (
    select
        figures.figure_date,
        figures.book_id,
        figures.account_id,
        figures.instrument_id,
        events.step,
        events.event_type,
        events.event_id,
        null::integer as event_version,
        events.quantity,
        events.gross_amount,
        events.gross_amount_base,
        events.paid_amount,
        events.paid_amount_base,
        events.agreed_amount
    from figures
    inner join events
        on
            figures.figure_date = events.figure_date
            and figures.book_id = events.book_id
            and figures.account_id = events.account_id
            and figures.instrument_id = events.instrument_id
    union all
    select
        figures.figure_date,
        figures.book_id,
        figures.account_id,
        figures.instrument_id,
        added.step,
        added.event_type,
        case added.step
            when 0 then coalesce(market.fixing_id, figures.instrument_id)
            when 3 then market.price_id
            when 4 then market.rate_id
        end,
        case added.step when 0 then market.fixing_revision when 3 then market.price_revision when 4 then market.rate_revision end,
        0,
        0,
        0,
        0,
        0,
        0
    from figures
    inner join market on figures.figure_date = market.figure_date and figures.instrument_id = market.instrument_id
    cross join (values (0, 'TERMS'), (3, 'PRICE'), (4, 'FX_RATE')) as added (step, event_type)
),

in_order as (
    select
        steps.*,
        (row_number() over by_step)::integer as step_no,
        known.quantity as known_quantity,
        known.market_value as known_market_value,
        known.market_value_base as known_market_value_base,
        known.exposure as known_exposure,
        known.exposure_base as known_exposure_base,
        known.accrued as known_accrued,
        known.accrued_base as known_accrued_base,
        known.quantity + sum(steps.quantity) over by_step as quantity_after,
        sum(steps.gross_amount) over by_step as gross_since,
        sum(steps.agreed_amount) over by_step as agreed_since,
        known.agreed + sum(steps.agreed_amount) over by_step as agreed_after,
        market.exchanges_at_maturity,
        case when steps.step >= 3 then market.price_after else market.price_before end as price,
        case when steps.step >= 3 then market.discount_factor_after else market.discount_factor_before end as discount_factor,
        case when steps.step >= 4 then market.rate_after else market.rate_before end as rate,
        market.price_divisor,
        market.contract_size,
        market.accrues_interest,
        market.accrued_percent,
        market.settles_daily,
        market.currency_code,
        market.base_currency_code,
        market.rate_after as rate_of_date,
        market.minor_unit,
        market.base_minor_unit
    from steps
    inner join figures_known as known
        on
            steps.figure_date = known.figure_date
            and steps.book_id = known.book_id
            and steps.account_id = known.account_id
            and steps.instrument_id = known.instrument_id
    inner join market on steps.figure_date = market.figure_date and steps.instrument_id = market.instrument_id
    window by_step as (
        partition by steps.figure_date, steps.book_id, steps.account_id, steps.instrument_id
        order by steps.step, steps.event_id, steps.event_type
    )
),

valued as (
    select
        in_order.*,
        case
            -- a currency forward that nothing says anything of is worth nothing, and its notional what it was dealt at
            when exchanges_at_maturity and (price is null or discount_factor is null) then 0
            when price is null then known_market_value + gross_since
            else {{ round_money(
                fair_value('quantity_after', 'price * contract_size / price_divisor', 'agreed_after', 'discount_factor'), 'minor_unit'
            ) }}
        end as market_value,
        case
            when exchanges_at_maturity and price is null then case when quantity_after = 0 then 0 else agreed_after end
            when price is null then known_exposure + gross_since
            else {{ round_money('quantity_after * price * contract_size / price_divisor', 'minor_unit') }}
        end as exposure,
        case
            when not accrues_interest then 0
            when accrued_percent is null then known_accrued
            else {{ round_money('quantity_after * accrued_percent / 100', 'minor_unit') }}
        end as accrued
    from in_order
),

valued_in_base as (
    select
        valued.*,
        {{ round_money('market_value * rate', 'base_minor_unit') }} as market_value_base,
        {{ round_money('exposure * rate', 'base_minor_unit') }} as exposure_base,
        {{ round_money('accrued * rate', 'base_minor_unit') }} as accrued_base
    from valued
),

changes as (
    select
        valued_in_base.*,
        -- what it is of, from date to date; of a price or a rate every date has its own
        case when step in (1, 2, 5) then event_type || event_id end as cause,
        quantity_after - coalesce(lag(quantity_after) over by_step, known_quantity) as changed_quantity,
        market_value - coalesce(lag(market_value) over by_step, known_market_value) as changed_market_value,
        market_value_base - coalesce(lag(market_value_base) over by_step, known_market_value_base) as changed_market_value_base,
        exposure - coalesce(lag(exposure) over by_step, known_exposure) as changed_exposure,
        exposure_base - coalesce(lag(exposure_base) over by_step, known_exposure_base) as changed_exposure_base,
        accrued - coalesce(lag(accrued) over by_step, known_accrued) as changed_accrued,
        accrued_base - coalesce(lag(accrued_base) over by_step, known_accrued_base) as changed_accrued_base
    from valued_in_base
    window by_step as (
        partition by figure_date, book_id, account_id, instrument_id
        order by step_no
    )
),

-- What is paid every day was gained at the rate of each day: up to a date, the changes of the margin of every day, each at its own rate.
margins as (
    select
        changes.*,
        changed_market_value - gross_amount
            - coalesce(lag(changed_market_value - gross_amount) over by_date, 0) as margin_amount
    from changes
    window by_date as (
        partition by book_id, account_id, instrument_id, step, cause
        order by figure_date
    )
),

totals as (
    select
        margins.*,
        case
            when settles_daily
                then
                    sum({{ round_money('margin_amount * rate_of_date', 'base_minor_unit') }}) over (
                        partition by book_id, account_id, instrument_id, step, cause
                        order by figure_date
                    )
                    -- the fee of a trade
                    - (paid_amount_base - gross_amount_base)
            else changed_market_value_base + changed_accrued_base - paid_amount_base
        end as total_amount_base
    from margins
),

-- The margin is a claim from the day it was gained on: what is learned of it stands at the rate of the date, less the rates of the days it was
-- gained on; and what a rate learned later makes of it.
margin_claims as (
    select
        figure_date,
        book_id,
        currency_code,
        step,
        'VARIATION_MARGIN' as event_type,
        event_id,
        null::integer as event_version,
        sum(changed_market_value - gross_amount) as claim_amount,
        {{ round_money('sum(changed_market_value - gross_amount) * rate_of_date', 'base_minor_unit') }} as claim_amount_base,
        sum(total_amount_base + paid_amount_base - gross_amount_base) as booked_amount_base
    from totals
    where
        settles_daily
        and currency_code <> base_currency_code
    group by figure_date, book_id, currency_code, step, event_id, rate_of_date, base_minor_unit
    {% if is_incremental() %}
        union all
        select
            claims.figure_date,
            claims.book_id,
            claims.currency_code,
            4,
            'FX_RATE',
            rates.rate_id,
            rates.rate_revision,
            0,
            {{ round_money('claims.claim_amount * rates.rate_after', 'rates.base_minor_unit') }}
            - {{ round_money('claims.claim_amount * rates.rate_before', 'rates.base_minor_unit') }},
            0
        from (
            select
                figure_date,
                book_id,
                instrument_id,
                substr(instrument_id, length('CASH:') + 1) as currency_code,
                sum(exposure_amount) as claim_amount
            from {{ this }}
            where
                business_date < {{ business_date() }}
                and event_type = 'VARIATION_MARGIN'
            group by figure_date, book_id, instrument_id
        ) as claims
        inner join (
            select distinct
                figure_date,
                currency_code,
                rate_id,
                rate_revision,
                rate_before,
                rate_after,
                base_minor_unit
            from market
        ) as rates
            on
                claims.figure_date = rates.figure_date
                and claims.currency_code = rates.currency_code
                and rates.rate_before <> rates.rate_after
    {% endif %}
),

-- after what else is learned of the claims of the date
margin_claims_in_order as (
    select
        margin_claims.*,
        (coalesce(others.step_no, 0) + row_number() over by_step)::integer as step_no
    from margin_claims
    left join (
        select
            figure_date,
            book_id,
            currency_code,
            max(step_no) as step_no
        from {{ ref('int_cash__claims_restated') }}
        where business_date = {{ business_date() }}
        group by figure_date, book_id, currency_code
    ) as others
        on
            margin_claims.figure_date = others.figure_date
            and margin_claims.book_id = others.book_id
            and margin_claims.currency_code = others.currency_code
    where
        margin_claims.claim_amount <> 0
        or margin_claims.claim_amount_base <> 0
        or margin_claims.booked_amount_base <> 0
    window by_step as (
        partition by margin_claims.figure_date, margin_claims.book_id, margin_claims.currency_code
        order by margin_claims.step, margin_claims.event_id, margin_claims.event_type
    )
),

learned as (
    select
        changes.figure_date,
        changes.book_id,
        changes.account_id,
        changes.instrument_id,
        changes.step_no,
        changes.step = 1 as is_trade,
        changes.event_type,
        changes.event_id,
        changes.event_version,
        changes.changed_quantity,
        changes.changed_market_value,
        changes.changed_market_value_base,
        changes.changed_exposure,
        changes.changed_exposure_base,
        case when changes.exchanges_at_maturity then changes.agreed_amount end as changed_agreed,
        changes.changed_accrued,
        changes.changed_accrued_base,
        changes.paid_amount,
        changes.total_amount_base
    from totals as changes
    where
        changes.changed_quantity <> 0
        or changes.changed_market_value <> 0
        or changes.changed_market_value_base <> 0
        or changes.changed_exposure <> 0
        or changes.changed_exposure_base <> 0
        or changes.agreed_amount <> 0
        or changes.changed_accrued <> 0
        or changes.changed_accrued_base <> 0
        or changes.paid_amount <> 0
        or changes.paid_amount_base <> 0
        or changes.total_amount_base <> 0
    union all
    select
        figure_date,
        book_id,
        '' as account_id,
        'CASH:' || currency_code as instrument_id,
        step_no,
        event_type in ('LATE', 'AMENDMENT', 'CANCELLATION') as is_trade,
        event_type,
        event_id,
        event_version,
        0 as changed_quantity,
        claim_amount as changed_market_value,
        claim_amount_base as changed_market_value_base,
        claim_amount,
        claim_amount_base,
        null as changed_agreed,
        0 as changed_accrued,
        0 as changed_accrued_base,
        claim_amount as paid_amount,
        claim_amount_base - booked_amount_base as total_amount_base
    from {{ ref('int_cash__claims_restated') }}
    where business_date = {{ business_date() }}
    union all
    select
        figure_date,
        book_id,
        '',
        'CASH:' || currency_code,
        step_no,
        step = 1,
        event_type,
        event_id,
        event_version,
        0,
        claim_amount,
        claim_amount_base,
        claim_amount,
        claim_amount_base,
        null,
        0,
        0,
        claim_amount,
        claim_amount_base - booked_amount_base
    from margin_claims_in_order
),

what_changed as (
    select
        {{ business_date() }} as business_date,
        learned.figure_date,
        learned.book_id,
        learned.account_id,
        learned.instrument_id,
        learned.step_no,
        learned.event_type,
        learned.event_id,
        -- of a trade the version that counts now
        coalesce(learned.event_version, trades.version) as event_version,
        learned.changed_quantity::numeric(28, 10) as changed_quantity,
        learned.changed_exposure::numeric(24, 4) as exposure_amount,
        learned.changed_exposure_base::numeric(24, 4) as exposure_amount_base,
        -- what is paid every day leaves no value behind
        case when instruments.settles_daily then 0 else learned.changed_market_value end::numeric(24, 4) as market_value_amount,
        case when instruments.settles_daily then 0 else learned.changed_market_value_base end::numeric(24, 4) as market_value_amount_base,
        learned.changed_accrued::numeric(24, 4) as accrued_interest_amount,
        learned.changed_accrued_base::numeric(24, 4) as accrued_interest_amount_base,
        (learned.changed_market_value + learned.changed_accrued - learned.paid_amount)::numeric(24, 4) as total_amount,
        learned.total_amount_base::numeric(24, 4) as total_amount_base,
        learned.changed_agreed::numeric(24, 4) as agreed_amount
    from learned
    left join instruments on learned.instrument_id = instruments.instrument_id
    left join {{ ref('fct_trades') }} as trades
        on
            learned.is_trade
            and learned.event_id = trades.trade_id
            and trades.business_date = {{ business_date() }}
)

select * from what_changed
