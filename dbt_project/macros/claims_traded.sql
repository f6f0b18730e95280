{# What the day's trade events came to owe or be owed, a row for each currency: of an exchange of currencies, both sides; of a currency
   forward, both sides on its date. A relation with the movement's own columns beside since_date, from which it stands, currency_code, amount
   and amount_base, positive where it is owed to the book. #}
{% macro claims_traded() -%}
    (
        select
            movements.business_date,
            movements.book_id,
            movements.trade_id,
            movements.movement_type,
            movements.trade_date as since_date,
            movements.exchanged_currency_code is not null as is_exchange,
            sides.currency_code,
            sides.amount,
            sides.amount_base
        from {{ ref('int_trades__movements') }} as movements
        cross join lateral (
            values
            (movements.currency_code, movements.net_amount, movements.net_amount_base),
            (movements.exchanged_currency_code, movements.exchanged_amount, movements.gross_amount_base)
        ) as sides (currency_code, amount, amount_base)
        where
            movements.business_date = {{ business_date() }}
            and sides.currency_code is not null
        union all
        select
            contracts.business_date,
            contracts.book_id,
            contracts.trade_id,
            contracts.movement_type,
            contracts.value_date,
            true,
            sides.currency_code,
            sides.amount,
            sides.amount_base
        from {{ ref('int_forwards__contracts') }} as contracts
        cross join lateral (
            values
            (contracts.currency_code, -contracts.agreed_amount, -contracts.agreed_amount_base),
            (contracts.exchanged_currency_code, contracts.exchanged_amount, contracts.exchanged_amount_base)
        ) as sides (currency_code, amount, amount_base)
        where
            contracts.business_date = {{ business_date() }}
            and contracts.contract_state <> 'OUTSTANDING'
    )
{%- endmacro %}
