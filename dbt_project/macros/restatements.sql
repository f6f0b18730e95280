{# Splits, reverse splits and stock dividends gone ex, as known on the business date: instrument_id, ex_date, new_units, old_units,
   announced_date; a withdrawn one restates nothing. #}
{% macro restatements() -%}
    (
        select
            event_id,
            instrument_id,
            ex_date,
            case when event_status = 'WITHDRAWN' then 1 else new_units end as new_units,
            case when event_status = 'WITHDRAWN' then 1 else old_units end as old_units,
            business_date as announced_date
        from {{ as_known(ref('stg_books__corporate_actions'), ['event_id']) }} as known
        where
            event_type in ('SPLIT', 'REVERSE_SPLIT', 'STOCK_DIVIDEND')
            and ex_date <= {{ business_date() }}
    )
{%- endmacro %}
