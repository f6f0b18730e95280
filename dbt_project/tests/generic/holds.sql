{# An accounting identity of a model: every row must satisfy it. #}
{% test holds(model, identity) %}
    select *
    from {{ model }}
    where not ({{ identity }})
{% endtest %}
