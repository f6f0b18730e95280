{# What the firm knew at a moment: the rows of the dates closed by then. Closed dates are never rewritten, so these are the rows of
   each date's own evening. Functions for analysts, as positions_as_known_at('2026-01-06 18:00+00'). #}
{% macro known_at_functions() -%}
    {%- for name, mart in [
        ('positions_as_known_at', 'fct_positions'),
        ('results_as_known_at', 'fct_profit_and_loss'),
        ('changes_as_known_at', 'rpt_what_changed'),
    ] %}
        create or replace function marts.{{ name }}(moment timestamptz)
            returns setof marts.{{ mart }}
            language sql stable as $$
            select figures.* from marts.{{ mart }} as figures
            where figures.business_date <= (
                select max(dates.business_date) from marts.dim_business_dates as dates where dates.closed_at <= moment
            )
        $$;
    {%- endfor %}
{%- endmacro %}
