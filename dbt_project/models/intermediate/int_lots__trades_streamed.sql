{{ config(materialized='view') }}

-- What the lot kernel reads of a large day: its new trades, in any order. Without a method's number is what the kernel leaves to the
-- database: lots that a trade names, and instruments that an event of the day works on.

with {{ lot_methods() }},

-- What is the same for all trades of an instrument is looked up once for each.
instruments as (
    select
        known.instrument_id,
        line_methods.valid_from,
        line_methods.valid_until,
        {{ lot_method_number('line_methods.lot_method') }} as lot_method_number,
        rates.minor_unit,
        rates.base_minor_unit,
        known.instrument_id in (
            select terms.instrument_id from {{ ref('int_corporate_actions__terms_known') }} as terms
            where
                terms.business_date = {{ business_date() }}
                and terms.ex_date > {{ previous_business_date() }}
            union all
            select links.instrument_id from {{ ref('int_corporate_actions__instruments_linked') }} as links
        ) as has_event_today
    from {{ ref('int_reference__instruments_known') }} as known
    inner join line_methods on known.product_line = line_methods.product_line
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            known.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    where known.business_date = {{ business_date() }}
),

accounts as (
    select
        account_id,
        valid_from,
        valid_until,
        {{ lot_method_number('lot_method') }} as lot_method_number
    from account_methods
)

select
    movements.book_id,
    movements.account_id,
    movements.instrument_id,
    movements.trade_id,
    movements.trade_date,
    movements.executed_at,
    movements.source_sequence,
    movements.quantity,
    movements.gross_amount + movements.fee_amount as amount,
    movements.gross_amount_base + movements.fee_amount_base as amount_base,
    movements.fx_rate,
    case
        when instruments.has_event_today then null
        when accounts.account_id is not null then accounts.lot_method_number
        else instruments.lot_method_number
    end as lot_method_number,
    instruments.minor_unit,
    instruments.base_minor_unit
from {{ ref('int_trades__movements') }} as movements
inner join instruments
    on
        movements.instrument_id = instruments.instrument_id
        and movements.trade_date >= instruments.valid_from
        and movements.trade_date < instruments.valid_until
left join accounts
    on
        movements.account_id = accounts.account_id
        and movements.trade_date >= accounts.valid_from
        and movements.trade_date < accounts.valid_until
where
    movements.business_date = {{ business_date() }}
    and movements.exchanged_currency_code is null
    and not exists (
        select 1 from {{ ref('int_lots__keys_replayed') }} as replayed_keys
        where
            replayed_keys.book_id = movements.book_id
            and replayed_keys.account_id = movements.account_id
            and replayed_keys.instrument_id = movements.instrument_id
    )
