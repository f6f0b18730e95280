{# The accounting day of the run. It travels as a setting of the database session
   (PGOPTIONS="-c posttrade.business_date=2026-01-05"), so that dbt's parsed project stays valid from day to day. #}
{% macro business_date() -%}
    current_setting('posttrade.business_date')::date
{%- endmacro %}

{# The business day before the run's: the one whose rows a daily model carries on. Null on the firm's first day. #}
{% macro previous_business_date() -%}
    (select calendar.previous_business_date from {{ source('books', 'business_days') }} as calendar
     where calendar.business_date = {{ business_date() }})
{%- endmacro %}

{# A restated date replaces its rows, also when the day brings none; those that the kernel of a large day has just put there stay. Runs
   inside the model's transaction. #}
{% macro replace_business_date() -%}
    {% if model.config.materialized == 'incremental' and is_incremental() -%}
        delete from {{ this }} where business_date = {{ business_date() }}
        {%- if config.get('is_streamed_into', false) %}
            and (not is_streamed or not exists (select 1 from {{ ref('int_lots__streamed') }}))
        {%- endif %}
    {%- else -%}
        select 1
    {%- endif %}
{%- endmacro %}

{# Whether a day falls on the business date, or on a day without business since the one before. #}
{% macro falls_due(day) -%}
    ({{ day }} <= {{ business_date() }} and {{ day }} > coalesce({{ previous_business_date() }}, '-infinity'::date))
{%- endmacro %}

{# What the planner should know of a model; `analysed_columns` of its config leaves out those that nothing is joined or filtered on, as
   arrays, which take longer than all others. #}
{% macro analyze_day() -%}
    {%- set columns = config.get('analysed_columns', []) -%}
    analyze {{ this }}{% if columns %} ({{ columns | join(', ') }}){% endif %}
{%- endmacro %}
