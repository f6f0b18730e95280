{# What earlier dates learned of the dates closed before them, named without a reference: rpt_what_changed is built from today's and read as of
   the days before. None on the firm's first day, when it does not exist yet. #}
{% macro changes_learned() -%}
    {%- if execute -%}
        {{ return(adapter.get_relation(database=target.database, schema='marts', identifier='rpt_what_changed')) }}
    {%- endif -%}
{%- endmacro %}
