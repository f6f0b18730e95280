{# What a unit traded in a movement has become by the events that went ex after its trade date; `further` narrows which of them. #}
{% macro retained_units(movements, further) -%}
    (
        select books.product(terms.retained_factor)
        from {{ ref('int_corporate_actions__terms_known') }} as terms
        where
            terms.business_date = {{ business_date() }}
            and terms.instrument_id = {{ movements }}.instrument_id
            and {{ concerns('terms', movements) }}
            and terms.ex_date > {{ movements }}.trade_date
            and {{ further }}
    )
{%- endmacro %}

{# Events that do nothing but give new units for old ones. #}
{% macro is_split(terms) -%}
    {{ terms }}.closed_fraction is null and {{ terms }}.received_instrument_id is null
{%- endmacro %}
