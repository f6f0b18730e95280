{{ config(indexes=[
    {'columns': ['business_date', 'movement_type']},
    {'columns': ['trade_id', 'trade_version']},
    {'columns': ['book_id', 'account_id', 'instrument_id']}
]) }}

-- What the day's trade events did to the books: a version is booked (+1) or, when a later one replaces or cancels it,
-- taken back (-1) with exactly the amounts it was booked at. A cancelled trade stays cancelled, whatever is told of it later or was
-- told before. An event beyond the posting cut-off counts from its release on; one whose terms are unknown, as that of a bond whose rate is
-- not fixed, leaves what was booked as it is until they are known. In place of a block its allocations are booked.
-- The interest that a part of an open deal is paid back with is owed by the rates agreed: where these are told otherwise later, the trade is
-- taken back and booked with what they say. That of a bond was agreed with its trade, and stays.

with touched as (
    select trade_id
    from {{ ref('stg_books__trade_versions') }}
    where business_date = {{ business_date() }}
    union
    select trade_id
    from {{ ref('stg_operations__trade_releases') }}
    where business_date = {{ business_date() }}
    union
    select trade_id
    from {{ ref('stg_books__trades_held_for_terms') }}
    where found_date = {{ business_date() }}
),

versions as (
    select
        versions.*,
        -- the date from which its amounts can be worked out
        case when held.trade_id is null then '-infinity'::date else coalesce(held.found_date, 'infinity'::date) end as terms_found_date,
        case when beyond.trade_id is null then versions.business_date else beyond.released_date end as in_force_date
    from touched
    inner join {{ ref('stg_books__trade_versions') }} as versions on touched.trade_id = versions.trade_id
    left join {{ ref('stg_operations__trade_events_beyond_cutoff') }} as beyond
        on versions.trade_id = beyond.trade_id and versions.version = beyond.version
    left join {{ ref('stg_books__trades_held_for_terms') }} as held
        on
            versions.trade_id = held.trade_id
            and versions.version = held.version
            and held.business_date <= {{ business_date() }}
    where versions.business_date <= {{ business_date() }}
),

states as (
    select
        trade_id,
        bool_or(version = 1) as has_original_after,
        bool_or(version = 1 and in_force_date < {{ business_date() }}) as has_original_before,
        -- an allocation comes and goes with the divisions of its block
        bool_or(event_type = 'CANCEL' and block_trade_id is null) as is_cancelled_after,
        bool_or(event_type = 'CANCEL' and block_trade_id is null and in_force_date < {{ business_date() }}) as is_cancelled_before,
        max(version) filter (where terms_found_date <= {{ business_date() }}) as version_after,
        max(version) filter (where greatest(in_force_date, terms_found_date) < {{ business_date() }}) as version_before
    from versions
    where in_force_date <= {{ business_date() }}
    group by trade_id
),

effective as (
    select
        states.trade_id,
        case
            when
                states.has_original_after and not states.is_cancelled_after
                and after_versions.event_type <> 'CANCEL' and not after_versions.is_block
                then states.version_after
        end as booked_after,
        case
            when
                states.has_original_before and not states.is_cancelled_before
                and before_versions.event_type <> 'CANCEL' and not before_versions.is_block
                then states.version_before
        end as booked_before
    from states
    left join versions as after_versions
        on states.trade_id = after_versions.trade_id and states.version_after = after_versions.version
    left join versions as before_versions
        on states.trade_id = before_versions.trade_id and states.version_before = before_versions.version
),

changed as (
    select * from effective where booked_after is distinct from booked_before
),

booked as (
    select
        versions.book_id,
        versions.account_id,
        versions.instrument_id,
        instruments.product_line,
        instruments.settles_daily or instruments.exchanges_at_maturity as owes_its_fee_only,
        instruments.exchanges_at_maturity,
        versions.counterparty_id,
        versions.trade_id,
        versions.version as trade_version,
        1 as movement_sign,
        case
            when changed.booked_before is not null then 'AMENDMENT'
            -- a day without business between two business dates is the later one's
            when versions.trade_date < {{ business_date() }} and coalesce(versions.trade_date <= {{ previous_business_date() }}, true)
                then 'LATE'
            else 'NEW'
        end as movement_type,
        versions.trade_date,
        coalesce(
            versions.settlement_date,
            -- a currency forward is paid on its own date
            case when instruments.exchanges_at_maturity then instruments.maturity_date end,
            -- and one for spot by the calendars of its currencies
            case when instruments.exchanges_currencies then spot_dates.spot_date else cycles.settlement_date end
        ) as settlement_date,
        versions.executed_at,
        versions.source_sequence,
        versions.currency_code,
        versions.closes_trade_id,
        -- the rate agreed with the trade, or that of the date it would have been booked on in time: neither an amendment of something
        -- else nor the order of arrival changes what it cost
        coalesce(
            versions.fx_rate,
            case
                when versions.trade_date <= {{ previous_business_date() }}
                    then (select traded.rate from {{ rate_from('versions.currency_code', 'versions.trade_date') }} as traded)
            end,
            rates.rate
        ) as fx_rate,
        rates.base_minor_unit,
        versions.quantity,
        {{ round_money('versions.quantity * versions.price * instruments.contract_size / instruments.price_divisor', 'rates.minor_unit') }} as gross_amount,
        case
            when instruments.accrues_interest
                then {{ round_money('versions.quantity * accruals.accrued_percent / 100', 'rates.minor_unit') }}
            else 0
        end as accrued_amount,
        {{ round_money('versions.fee_amount', 'rates.minor_unit') }} as fee_amount,
        -- the other side of an exchange of currencies
        case when instruments.exchanges_currencies then instruments.notional_currency_code end as exchanged_currency_code,
        case when instruments.exchanges_currencies then {{ round_money('versions.quantity', 'notional_rates.minor_unit') }} end
            as exchanged_amount,
        instruments.exchanges_currencies and instruments.notional_currency_code = rates.base_currency_code as is_exchanged_in_base
    from changed
    inner join versions
        on changed.trade_id = versions.trade_id and changed.booked_after = versions.version
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            versions.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            versions.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    left join {{ ref('int_market__closing_fx_rates') }} as notional_rates
        on
            instruments.exchanges_currencies
            and instruments.notional_currency_code = notional_rates.currency_code
            and notional_rates.business_date = {{ business_date() }}
    left join {{ ref('stg_books__settlement_cycles') }} as cycles
        on instruments.market_mic = cycles.market_mic and versions.trade_date = cycles.trade_date
    left join {{ ref('stg_books__spot_dates') }} as spot_dates
        on
            instruments.exchanges_currencies
            and instruments.currency_code = spot_dates.currency_code
            and instruments.notional_currency_code = spot_dates.notional_currency_code
            and versions.trade_date = spot_dates.trade_date
    left join {{ ref('stg_books__bond_accruals') }} as accruals
        on
            instruments.accrues_interest
            and versions.instrument_id = accruals.instrument_id
            and instruments.terms_sha = accruals.terms_sha
            and coalesce(versions.settlement_date, cycles.settlement_date) = accruals.accrual_date
),

booked_in_base as (
    select
        booked.*,
        -- where gains are paid every day, and before the date of a currency forward, only the fee is owed
        -(case when booked.owes_its_fee_only then 0 else booked.gross_amount + booked.accrued_amount end + booked.fee_amount) as net_amount,
        -- both sides of an exchange are worth the same, and base currency is worth what it is
        case
            when booked.is_exchanged_in_base then booked.exchanged_amount
            else {{ round_money('booked.gross_amount * booked.fx_rate', 'booked.base_minor_unit') }}
        end as gross_amount_base,
        case when booked.exchanges_at_maturity then booked.gross_amount end as agreed_amount,
        {{ round_money('booked.accrued_amount * booked.fx_rate', 'booked.base_minor_unit') }} as accrued_amount_base,
        {{ round_money('booked.fee_amount * booked.fx_rate', 'booked.base_minor_unit') }} as fee_amount_base
    from booked
),

booked_with_net as (
    select
        booked_in_base.*,
        -(case when owes_its_fee_only then 0 else gross_amount_base + accrued_amount_base end + fee_amount_base) as net_amount_base
    from booked_in_base
),

{% if is_incremental() %}
taken_back as (
    select
        formerly.book_id,
        formerly.account_id,
        formerly.instrument_id,
        formerly.product_line,
        formerly.counterparty_id,
        formerly.trade_id,
        formerly.trade_version,
        -1 as movement_sign,
        case when changed.booked_after is null then 'CANCELLATION' else 'AMENDMENT' end as movement_type,
        formerly.trade_date,
        formerly.settlement_date,
        formerly.executed_at,
        formerly.source_sequence,
        formerly.currency_code,
        formerly.closes_trade_id,
        formerly.fx_rate,
        -formerly.quantity as quantity,
        -formerly.gross_amount as gross_amount,
        -formerly.accrued_amount as accrued_amount,
        -formerly.fee_amount as fee_amount,
        -formerly.net_amount as net_amount,
        -formerly.gross_amount_base as gross_amount_base,
        -formerly.accrued_amount_base as accrued_amount_base,
        -formerly.fee_amount_base as fee_amount_base,
        -formerly.net_amount_base as net_amount_base,
        formerly.exchanged_currency_code,
        -formerly.exchanged_amount as exchanged_amount,
        -formerly.agreed_amount as agreed_amount
    from changed
    inner join {{ this }} as formerly
        on
            changed.trade_id = formerly.trade_id
            and changed.booked_before = formerly.trade_version
            and formerly.movement_sign = 1
            and formerly.business_date < {{ business_date() }}
    where not exists (
        select 1 from {{ this }} as taken_back_before
        where
            taken_back_before.trade_id = formerly.trade_id
            and taken_back_before.trade_version = formerly.trade_version
            and taken_back_before.movement_sign = -1
            and taken_back_before.business_date > formerly.business_date
            and taken_back_before.business_date < {{ business_date() }}
    )
),

-- What runs without a maturity at a fixed price, by terms that today knows otherwise.
open_deals_restated as (
    select
        instruments.instrument_id,
        instruments.terms_sha,
        rates.minor_unit,
        rates.base_minor_unit
    from {{ ref('int_reference__instruments_known') }} as instruments
    inner join {{ ref('int_reference__instruments_known') }} as formerly
        on
            instruments.instrument_id = formerly.instrument_id
            and instruments.terms_sha <> formerly.terms_sha
            and formerly.business_date = {{ previous_business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            instruments.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    where
        instruments.business_date = {{ business_date() }}
        and instruments.accrues_interest
        and instruments.fixed_price is not null
        and instruments.maturity_date is null
),

interest_restated as (
    select
        formerly.*,
        deals.base_minor_unit,
        {{ round_money('formerly.quantity * accruals.accrued_percent / 100', 'deals.minor_unit') }} as restated_amount
    from open_deals_restated as deals
    inner join {{ this }} as formerly
        on
            deals.instrument_id = formerly.instrument_id
            and formerly.movement_sign = 1
            and formerly.business_date < {{ business_date() }}
    inner join {{ ref('stg_books__bond_accruals') }} as accruals
        on
            deals.instrument_id = accruals.instrument_id
            and deals.terms_sha = accruals.terms_sha
            and formerly.settlement_date = accruals.accrual_date
    where
        not exists (
            select 1 from {{ this }} as taken_back_before
            where
                taken_back_before.trade_id = formerly.trade_id
                and taken_back_before.trade_version = formerly.trade_version
                and taken_back_before.movement_sign = -1
                and taken_back_before.business_date > formerly.business_date
                and taken_back_before.business_date < {{ business_date() }}
        )
        and formerly.trade_id not in (select changed.trade_id from changed)
),

booked_anew as (
    select
        restated.book_id,
        restated.account_id,
        restated.instrument_id,
        restated.product_line,
        restated.counterparty_id,
        restated.trade_id,
        restated.trade_version,
        signs.movement_sign,
        'AMENDMENT' as movement_type,
        restated.trade_date,
        restated.settlement_date,
        restated.executed_at,
        restated.source_sequence,
        restated.currency_code,
        restated.closes_trade_id,
        restated.fx_rate,
        signs.movement_sign * restated.quantity as quantity,
        signs.movement_sign * restated.gross_amount as gross_amount,
        signs.movement_sign * interest.amount as accrued_amount,
        signs.movement_sign * restated.fee_amount as fee_amount,
        -signs.movement_sign * (restated.gross_amount + interest.amount + restated.fee_amount) as net_amount,
        signs.movement_sign * restated.gross_amount_base as gross_amount_base,
        signs.movement_sign * interest.amount_base as accrued_amount_base,
        signs.movement_sign * restated.fee_amount_base as fee_amount_base,
        -signs.movement_sign * (restated.gross_amount_base + interest.amount_base + restated.fee_amount_base) as net_amount_base,
        restated.exchanged_currency_code,
        restated.exchanged_amount,
        restated.agreed_amount
    from interest_restated as restated
    cross join (values (-1), (1)) as signs (movement_sign)
    cross join lateral (
        select
            case when signs.movement_sign = 1 then restated.restated_amount else restated.accrued_amount end as amount,
            case
                when signs.movement_sign = 1
                    then {{ round_money('restated.restated_amount * restated.fx_rate', 'restated.base_minor_unit') }}
                else restated.accrued_amount_base
            end as amount_base
    ) as interest
    where restated.restated_amount <> restated.accrued_amount
),
{% endif %}

movements as (
    select
        book_id,
        account_id,
        instrument_id,
        product_line,
        counterparty_id,
        trade_id,
        trade_version,
        movement_sign,
        movement_type,
        trade_date,
        settlement_date,
        executed_at,
        source_sequence,
        currency_code,
        closes_trade_id,
        fx_rate,
        quantity,
        gross_amount,
        accrued_amount,
        fee_amount,
        net_amount,
        gross_amount_base,
        accrued_amount_base,
        fee_amount_base,
        net_amount_base,
        exchanged_currency_code,
        exchanged_amount,
        agreed_amount
    from booked_with_net
    {% if is_incremental() %}
        union all
        select * from taken_back
        union all
        select * from booked_anew
    {% endif %}
)

select
    {{ business_date() }} as business_date,
    movements.book_id,
    movements.account_id,
    movements.instrument_id,
    movements.product_line,
    movements.counterparty_id,
    movements.trade_id,
    movements.trade_version,
    movements.movement_sign,
    movements.movement_type,
    movements.trade_date,
    movements.settlement_date,
    movements.executed_at,
    movements.source_sequence,
    movements.currency_code,
    movements.closes_trade_id,
    movements.fx_rate::numeric(28, 12) as fx_rate,
    movements.quantity::numeric(28, 10) as quantity,
    movements.gross_amount::numeric(24, 4) as gross_amount,
    movements.accrued_amount::numeric(24, 4) as accrued_amount,
    movements.fee_amount::numeric(24, 4) as fee_amount,
    movements.net_amount::numeric(24, 4) as net_amount,
    movements.gross_amount_base::numeric(24, 4) as gross_amount_base,
    movements.accrued_amount_base::numeric(24, 4) as accrued_amount_base,
    movements.fee_amount_base::numeric(24, 4) as fee_amount_base,
    movements.net_amount_base::numeric(24, 4) as net_amount_base,
    movements.exchanged_currency_code,
    movements.exchanged_amount::numeric(24, 4) as exchanged_amount,
    -- what a currency forward gives on its date for its notional, positive where it is owed; null for any other trade
    movements.agreed_amount::numeric(24, 4) as agreed_amount
from movements
