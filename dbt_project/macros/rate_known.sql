{# The published rate of a currency on a day, as known before the run's business date (`<`) or on it (`<=`).
   A relation of one row with rate, rate_date and revision, for a lateral join. #}
{% macro rate_known(currency_code, base_currency_code, day, known) -%}
    (
        select
            published.rate,
            published.rate_date,
            published.revision
        from {{ ref('stg_books__fx_rates') }} as published
        where
            published.currency_code = {{ currency_code }}
            and published.base_currency_code = {{ base_currency_code }}
            and published.rate_date <= {{ day }}
            and published.business_date {{ known }} {{ business_date() }}
        order by published.rate_date desc, published.business_date desc, published.revision desc
        limit 1
    )
{%- endmacro %}

{# What a currency was worth on a day as known yesterday and is as known today, one without a rate as much as today; with the name of the rate.
   Columns of a select that joins before_rates and after_rates by rates_known. #}
{% macro rate_before_and_after(currency_code, base_currency_code, todays_rate) -%}
    case
        when {{ currency_code }} = {{ base_currency_code }} then 1
        else coalesce(before_rates.rate, after_rates.rate, {{ todays_rate }})
    end as rate_before,
    case
        when {{ currency_code }} = {{ base_currency_code }} then 1
        else coalesce(after_rates.rate, {{ todays_rate }})
    end as rate_after,
    {{ currency_code }} || ' ' || to_char(after_rates.rate_date, 'YYYY-MM-DD') as rate_id,
    after_rates.revision as rate_revision
{%- endmacro %}

{% macro rates_known(currency_code, base_currency_code, day) -%}
    left join lateral {{ rate_known(currency_code, base_currency_code, day, '<') }} as before_rates on true
    left join lateral {{ rate_known(currency_code, base_currency_code, day, '<=') }} as after_rates on true
{%- endmacro %}

{# The currencies of which a rate of an earlier date came today, and the first such date. #}
{% macro currencies_restated() -%}
    select
        rates.currency_code,
        min(rates.rate_date) as first_date
    from {{ ref('stg_books__fx_rates') }} as rates
    where
        rates.business_date = {{ business_date() }}
        and rates.rate_date < {{ business_date() }}
    group by rates.currency_code
{%- endmacro %}
