{# The closing rate of a currency on the first business date on or after a day: what an event of that day is turned into base currency at.
   A relation of one row with the column rate, for a lateral join. #}
{% macro rate_from(currency_code, day) -%}
    (
        select closing.rate
        from {{ ref('int_market__closing_fx_rates') }} as closing
        where
            closing.currency_code = {{ currency_code }}
            and closing.business_date >= {{ day }}
        order by closing.business_date
        limit 1
    )
{%- endmacro %}
