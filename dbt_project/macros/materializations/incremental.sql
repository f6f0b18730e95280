{# Takes the place of dbt's own: a day's rows go straight into the table, without the temporary one between. The pre-hook has deleted
   the day's rows within the same transaction. A model whose columns are no longer those of its table is refused with the remedy. #}
{% materialization incremental, adapter='postgres' -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set existing = load_cached_relation(this) -%}
    {%- set is_new = existing is none or should_full_refresh() -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}

    {% if is_new %}
        {% if existing is not none %}
            {% do adapter.drop_relation(existing) %}
        {% endif %}
        {% call statement('main') %}
            {{ get_create_table_as_sql(False, target, sql) }}
        {% endcall %}
        {% do create_indexes(target) %}
        {% do persist_docs(target, model) %}
    {% else %}
        {%- set held = adapter.get_columns_in_relation(target) | map(attribute='name') | list -%}
        {%- set built = get_column_schema_from_query(get_empty_subquery_sql(sql)) | map(attribute='name') | list -%}
        {% if held | sort != built | sort %}
            {% do exceptions.raise_compiler_error(
                'the columns of ' ~ target ~ ' are those of another version of the model; run ./posttrade rebuild'
            ) %}
        {% endif %}
        {% call statement('main') %}
            insert into {{ target }} ({{ held | join(', ') }})
            select {{ held | join(', ') }}
            from (
                {{ sql }}
            ) as built
        {% endcall %}
    {% endif %}

    {{ run_hooks(post_hooks, inside_transaction=True) }}
    {% do adapter.commit() %}
    {{ run_hooks(post_hooks, inside_transaction=False) }}
    {{ return({'relations': [target]}) }}
{%- endmaterialization %}
