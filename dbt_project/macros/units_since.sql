{# What a unit traded in a movement has become by the splits that went ex between its trade date and a date, that date included. #}
{% macro units_since(movements, until) -%}
    (
        select books.product(terms.retained_factor)
        from {{ ref('int_corporate_actions__terms_known') }} as terms
        where
            terms.business_date = {{ business_date() }}
            and terms.instrument_id = {{ movements }}.instrument_id
            and terms.closed_fraction is null
            and terms.received_instrument_id is null
            and terms.ex_date > {{ movements }}.trade_date
            and terms.ex_date <= {{ until }}
    )
{%- endmacro %}
