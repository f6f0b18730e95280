{{ config(indexes=[{'columns': ['business_date', 'contract_state']}, {'columns': ['trade_id', 'trade_version']}, {'columns': ['instrument_id']}]) }}

-- The currency forwards in force, a row for each trade version and what became of it:
--   OUTSTANDING   at the close of the date: both amounts are still to be exchanged
--   EXCHANGED     on the date, both amounts at the closing rates of the value date; late, where the trade came after it
--   TAKEN_BACK    on the date, with the amounts they were exchanged at: the trade was amended or cancelled, or its value date is another one.
--                 If that has come, too, it is exchanged once more on the date, at the rates of the right one
-- Amounts are signed as the notional: bought positive; what is given for it, agreed_amount, is owed where it is positive.

with movements as (
    select *
    from {{ ref('int_trades__movements') }}
    where
        business_date = {{ business_date() }}
        and agreed_amount is not null
),

-- Forwards whose terms came today: their value date may be another one.
restated as (
    select instrument_id
    from {{ ref('stg_books__instruments') }}
    where business_date = {{ business_date() }}
),

{% if is_incremental() %}
exchanged_formerly as (
    select former.*
    from movements
    inner join {{ this }} as former
        on
            movements.trade_id = former.trade_id
            and movements.trade_version = former.trade_version
    where
        movements.movement_sign = -1
        and former.contract_state = 'EXCHANGED'
        and former.business_date < {{ business_date() }}
    union
    select former.*
    from restated
    inner join {{ this }} as former on restated.instrument_id = former.instrument_id
    where
        former.contract_state = 'EXCHANGED'
        and former.business_date < {{ business_date() }}
),

taken_back as (
    select
        former.trade_id,
        former.trade_version,
        former.book_id,
        former.account_id,
        former.instrument_id,
        former.product_line,
        coalesce(movements.movement_type, 'AMENDMENT') as movement_type,
        former.value_date,
        former.currency_code,
        former.quantity,
        former.agreed_amount,
        former.agreed_amount_base,
        former.exchanged_currency_code,
        former.exchanged_amount,
        former.exchanged_amount_base,
        former.value_amount,
        former.value_amount_base,
        movements.trade_id is null as is_in_force
    from exchanged_formerly as former
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            former.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    left join movements
        on
            former.trade_id = movements.trade_id
            and former.trade_version = movements.trade_version
            and movements.movement_sign = -1
    where
        (movements.trade_id is not null or instruments.maturity_date <> former.value_date)
        -- a version is exchanged once more after it was taken back
        and not exists (
            select 1
            from {{ this }} as later
            where
                later.trade_id = former.trade_id
                and later.trade_version = former.trade_version
                and later.contract_state = 'TAKEN_BACK'
                and later.business_date > former.business_date
                and later.business_date < {{ business_date() }}
        )
),
{% endif %}

in_force as (
    select
        trade_id,
        trade_version,
        book_id,
        account_id,
        instrument_id,
        product_line,
        movement_type,
        currency_code,
        quantity,
        agreed_amount
    from movements
    where movement_sign = 1
    {% if is_incremental() %}
        union all
        select
            carried.trade_id,
            carried.trade_version,
            carried.book_id,
            carried.account_id,
            carried.instrument_id,
            carried.product_line,
            'NEW',
            carried.currency_code,
            carried.quantity,
            carried.agreed_amount
        from {{ this }} as carried
        where
            carried.business_date = {{ previous_business_date() }}
            and carried.contract_state = 'OUTSTANDING'
            and not exists (
                select 1 from movements
                where
                    movements.trade_id = carried.trade_id
                    and movements.trade_version = carried.trade_version
                    and movements.movement_sign = -1
            )
        union all
        select
            trade_id,
            trade_version,
            book_id,
            account_id,
            instrument_id,
            product_line,
            'AMENDMENT',
            currency_code,
            quantity,
            agreed_amount
        from taken_back
        where is_in_force
    {% endif %}
),

known as (
    select
        in_force.*,
        instruments.maturity_date as value_date,
        in_force.quantity * instruments.contract_size as notional_quantity,
        instruments.notional_currency_code,
        instruments.maturity_date <= {{ business_date() }} as is_due,
        closing.minor_unit,
        closing.base_minor_unit,
        notional_closing.minor_unit as notional_minor_unit,
        rates.rate,
        notional_rates.rate as notional_rate
    from in_force
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            in_force.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as closing
        on
            instruments.currency_code = closing.currency_code
            and closing.business_date = {{ business_date() }}
    left join {{ ref('int_market__closing_fx_rates') }} as notional_closing
        on
            instruments.notional_currency_code = notional_closing.currency_code
            and notional_closing.business_date = {{ business_date() }}
    left join lateral {{ rate_from('instruments.currency_code', 'instruments.maturity_date') }} as rates on true
    left join lateral {{ rate_from('instruments.notional_currency_code', 'instruments.maturity_date') }} as notional_rates on true
),

amounts as (
    select
        known.*,
        {{ round_money('notional_quantity', 'notional_minor_unit') }} as exchanged_amount,
        {{ round_money('notional_quantity * notional_rate', 'base_minor_unit') }} as exchanged_amount_base,
        {{ round_money('agreed_amount * rate', 'base_minor_unit') }} as agreed_amount_base,
        {{ round_money('notional_quantity * ' ~ spot_rate('notional_rate', 'rate'), 'minor_unit') }} - agreed_amount as value_amount
    from known
),

contracts as (
    select
        trade_id,
        trade_version,
        book_id,
        account_id,
        instrument_id,
        product_line,
        case when is_due then 'EXCHANGED' else 'OUTSTANDING' end as contract_state,
        -- one carried that was due before today had its value date brought forward
        case
            when movement_type = 'NEW' and value_date <= {{ previous_business_date() }} then 'AMENDMENT'
            else movement_type
        end as movement_type,
        value_date,
        currency_code,
        quantity,
        agreed_amount,
        case when is_due then agreed_amount_base end as agreed_amount_base,
        notional_currency_code as exchanged_currency_code,
        case when is_due then exchanged_amount end as exchanged_amount,
        case when is_due then exchanged_amount_base end as exchanged_amount_base,
        case when is_due then value_amount end as value_amount,
        -- what both amounts come to, each rounded
        case when is_due then exchanged_amount_base - agreed_amount_base end as value_amount_base
    from amounts
    {% if is_incremental() %}
        union all
        select
            trade_id,
            trade_version,
            book_id,
            account_id,
            instrument_id,
            product_line,
            'TAKEN_BACK',
            movement_type,
            value_date,
            currency_code,
            -quantity,
            -agreed_amount,
            -agreed_amount_base,
            exchanged_currency_code,
            -exchanged_amount,
            -exchanged_amount_base,
            -value_amount,
            -value_amount_base
        from taken_back
    {% endif %}
)

select
    {{ business_date() }} as business_date,
    trade_id,
    trade_version,
    book_id,
    account_id,
    instrument_id,
    product_line,
    contract_state,
    movement_type,
    value_date,
    currency_code,
    quantity::numeric(28, 10) as quantity,
    agreed_amount::numeric(24, 4) as agreed_amount,
    agreed_amount_base::numeric(24, 4) as agreed_amount_base,
    exchanged_currency_code,
    exchanged_amount::numeric(24, 4) as exchanged_amount,
    exchanged_amount_base::numeric(24, 4) as exchanged_amount_base,
    value_amount::numeric(24, 4) as value_amount,
    value_amount_base::numeric(24, 4) as value_amount_base
from contracts
