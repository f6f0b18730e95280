{# What a currency is worth in another, of two rates into base currency, with as many decimals as a price has. #}
{% macro spot_rate(notional_rate, rate) -%}
    round({{ notional_rate }} / {{ rate }}, 10)
{%- endmacro %}

{# The days from the lower to the upper date that a curve is read between, and how many of them lie before the value date. #}
{% macro _between(lower_value, upper_value, lower_date, upper_date, value_date) -%}
    {{ lower_value }} + ({{ upper_value }} - {{ lower_value }})
    * ({{ value_date }} - {{ lower_date }}) / ({{ upper_date }} - {{ lower_date }})
{%- endmacro %}

{# The quotes on either side of a value date, of the last curve up to a day that reaches it, as known before the run's business date (`<`) or
   on it (`<=`): a relation of one row with curve_date, lower_date, lower_value, upper_date, upper_value and revision; none where no curve
   reaches it. #}
{% macro _quotes_around(relation, curve_date, value, is_of_curve, day, value_date, known) -%}
    select
        curves.curve_date,
        lower_quotes.value_date as lower_date,
        lower_quotes.quoted_value as lower_value,
        upper_quotes.value_date as upper_date,
        upper_quotes.quoted_value as upper_value,
        upper_quotes.revision
    from (
        select quoted.{{ curve_date }} as curve_date
        from {{ relation }} as quoted
        where
            {{ is_of_curve }}
            and quoted.{{ curve_date }} <= {{ day }}
            and quoted.value_date >= {{ value_date }}
            and quoted.business_date {{ known }} {{ business_date() }}
        order by quoted.{{ curve_date }} desc
        limit 1
    ) as curves
    {% for side, comparison, order in [('upper', '>=', 'asc'), ('lower', '<', 'desc')] %}
        left join lateral (
            select
                quoted.value_date,
                quoted.{{ value }} as quoted_value,
                quoted.revision
            from {{ relation }} as quoted
            where
                {{ is_of_curve }}
                and quoted.{{ curve_date }} = curves.curve_date
                and quoted.value_date {{ comparison }} {{ value_date }}
                and quoted.business_date {{ known }} {{ business_date() }}
            order by quoted.value_date {{ order }}, quoted.business_date desc, quoted.revision desc
            limit 1
        ) as {{ side }}_quotes on true
    {% endfor %}
{%- endmacro %}

{# The outright forward rate of a pair for a value date, by the last quotes up to a day that reach it: between two quotes, and between the spot
   rate on the day of the quotes and the first of them, linear in days. A relation of one row with rate, rate_date and revision, for a
   lateral join; `forwards` names the relation with the columns of the pair. #}
{% macro forward_rate_known(forwards, base_currency_code, day, known) -%}
    (
        select
            case
                when around.upper_date = {{ forwards }}.maturity_date then around.upper_value
                else round({{ _between(
                    'coalesce(around.lower_value, ' ~ spot_rate('notional_spot.rate', 'spot.rate') ~ ')', 'around.upper_value',
                    'coalesce(around.lower_date, around.curve_date)', 'around.upper_date', forwards ~ '.maturity_date'
                ) }}, 10)
            end::numeric(28, 10) as rate,
            around.curve_date as rate_date,
            around.revision
        from (
            {{ _quotes_around(
                ref('stg_books__forward_rates'), 'rate_date', 'rate',
                'quoted.notional_currency_code = ' ~ forwards ~ '.notional_currency_code and quoted.currency_code = '
                ~ forwards ~ '.currency_code', day, forwards ~ '.maturity_date', known
            ) }}
        ) as around
        {% for currency, name in [('notional_currency_code', 'notional_spot'), ('currency_code', 'spot')] %}
            left join lateral (
                select base.rate
                from (values (1::numeric)) as base (rate)
                where {{ forwards }}.{{ currency }} = {{ base_currency_code }}
                union all
                select published.rate
                from {{ rate_known(forwards ~ '.' ~ currency, base_currency_code, 'around.curve_date', known) }} as published
                where {{ forwards }}.{{ currency }} <> {{ base_currency_code }}
            ) as {{ name }} on true
        {% endfor %}
        where {{ forwards }}.exchanges_at_maturity
    )
{%- endmacro %}

{# The discount factor of a currency for a value date, by the last factors up to a day that reach it: between two of them, and between one on
   the day itself and the first of them, its logarithm is linear in days. A relation of one row with factor, factor_date and revision. #}
{% macro discount_factor_known(forwards, day, known) -%}
    (
        select
            case
                when around.upper_date = {{ forwards }}.maturity_date then around.upper_value
                else round(exp({{ _between(
                    'ln(coalesce(around.lower_value, 1))', 'ln(around.upper_value)',
                    'coalesce(around.lower_date, around.curve_date)', 'around.upper_date', forwards ~ '.maturity_date'
                ) }}), 12)
            end::numeric(28, 12) as factor,
            around.curve_date as factor_date,
            around.revision
        from (
            {{ _quotes_around(
                ref('stg_books__discount_factors'), 'factor_date', 'factor',
                'quoted.currency_code = ' ~ forwards ~ '.currency_code', day, forwards ~ '.maturity_date', known
            ) }}
        ) as around
        where {{ forwards }}.exchanges_at_maturity
    )
{%- endmacro %}

{# What a trade of a currency forward still has to give, and what both of its amounts were worth when they were exchanged. #}
{% macro fair_value(quantity, price, agreed, discount_factor) -%}
    ({{ quantity }} * {{ price }} - coalesce({{ agreed }}, 0)) * coalesce({{ discount_factor }}, 1)
{%- endmacro %}
