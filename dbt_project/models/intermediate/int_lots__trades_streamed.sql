{{ config(materialized='view') }}

-- What the lot kernel reads of a large day: its new trades, in any order. Without a method's number is what the kernel leaves to the
-- database: lots that a trade names, and instruments that an event of the day works on.

with {{ lot_methods() }}

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
        else array_position(
            array['FIFO', 'LIFO', 'HIGHEST_COST', 'LOWEST_COST', 'AVERAGE'],
            coalesce(account_methods.lot_method, line_methods.lot_method)
        )
    end as lot_method_number,
    instruments.minor_unit,
    instruments.base_minor_unit
from {{ ref('int_trades__movements') }} as movements
{{ lot_methods_of('movements') }}
inner join (
    select
        known.instrument_id,
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
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            known.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    where known.business_date = {{ business_date() }}
) as instruments
    on movements.instrument_id = instruments.instrument_id
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
