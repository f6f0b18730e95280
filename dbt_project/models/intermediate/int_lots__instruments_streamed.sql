{{ config(materialized='view') }}

-- What the lot kernel of a large day knows of an instrument: which lot method its product line has when, as a number, and whether an event
-- works on it today. Without a number the keys are left to the database: trades name the lots they close.

with {{ lot_methods() }},

events_today as (
    select terms.instrument_id
    from {{ ref('int_corporate_actions__terms_known') }} as terms
    where
        terms.business_date = {{ business_date() }}
        and terms.ex_date > {{ previous_business_date() }}
    union
    select links.instrument_id
    from {{ ref('int_corporate_actions__instruments_linked') }} as links
    where links.instrument_id <> links.linked_instrument_id
)

select
    known.instrument_id,
    line_methods.valid_from,
    line_methods.valid_until,
    {{ lot_method_number('line_methods.lot_method') }} as lot_method_number,
    rates.minor_unit,
    rates.base_minor_unit,
    known.instrument_id in (select events_today.instrument_id from events_today) as has_event_today
from {{ ref('int_reference__instruments_known') }} as known
inner join line_methods on known.product_line = line_methods.product_line
inner join {{ ref('int_market__closing_fx_rates') }} as rates
    on
        known.currency_code = rates.currency_code
        and rates.business_date = {{ business_date() }}
where known.business_date = {{ business_date() }}
order by known.instrument_id, line_methods.valid_from
