{# The rows of a restatable fact as known on the run's business date: the latest business date, then the highest revision, wins. #}
{% macro as_known(relation, keys) -%}
    (
        select distinct on ({{ keys | join(', ') }}) *
        from {{ relation }}
        where business_date <= {{ business_date() }}
        order by {{ keys | join(', ') }}, business_date desc, revision desc
    )
{%- endmacro %}

{# The announcements of corporate actions as known on the run's business date: of an event that its source numbers, the highest number counts,
   whenever it came. `told` names a relation that has more columns of them. #}
{% macro announcements_known(told=none) -%}
    (
        select distinct on (event_id) *
        from {{ told or ref('stg_books__corporate_actions') }}
        where business_date <= {{ business_date() }}
        order by event_id, announcement_no desc nulls last, business_date desc, revision desc
    )
{%- endmacro %}

{# The same, as known today: for the dimensions, which have no business date. #}
{% macro latest(relation, keys) -%}
    (
        select distinct on ({{ keys | join(', ') }}) *
        from {{ relation }}
        order by {{ keys | join(', ') }}, business_date desc, revision desc
    )
{%- endmacro %}

{# The highest revision of what the procedures publish without a business date. #}
{% macro latest_revision(relation, keys) -%}
    (
        select distinct on ({{ keys | join(', ') }}) *
        from {{ relation }}
        order by {{ keys | join(', ') }}, revision desc
    )
{%- endmacro %}

{# Half-even rounding to a currency's minor unit. #}
{% macro round_money(expression, minor_unit) -%}
    books.round_half_even({{ expression }}, {{ minor_unit }})
{%- endmacro %}
