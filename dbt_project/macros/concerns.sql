{# Whether an event is one of a holding: of all of them, or of the account, and the book, that it names. #}
{% macro concerns(terms, holding) -%}
    ({{ terms }}.account_id in ('', {{ holding }}.account_id) and {{ terms }}.book_id in ('', {{ holding }}.book_id))
{%- endmacro %}
