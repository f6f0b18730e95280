{{ config(indexes=[{'columns': ['business_date', 'book_id']}]) }}

-- Yesterday's sums carried on by today's result: a month or year that is over falls away. A row stays for the rest of the year,
-- also when its position is closed.

-- In base currency and in that of the instrument, which knows no result of currencies.
{% set base_components = [
    'price', 'accrual', 'fx_translation', 'fx_transaction', 'income', 'fees', 'new_trades', 'amended_trades', 'cancelled_trades',
    'late_trades', 'corporate_actions', 'total', 'realised',
] %}
{% set amounts = [] %}
{% for component in base_components %}
    {% do amounts.append(component ~ '_amount_base') %}
{% endfor %}
{% for component in base_components if component not in ('fx_translation', 'fx_transaction') %}
    {% do amounts.append(component ~ '_amount') %}
{% endfor %}

with today as (
    select * from {{ ref('fct_profit_and_loss') }} where business_date = {{ business_date() }}
),

carried as (
    {% if is_incremental() %}
        select
            book_id,
            account_id,
            instrument_id,
            product_line,
            currency_code,
            date_trunc('month', business_date) = date_trunc('month', {{ business_date() }}) as is_same_month,
            {% for amount in amounts %}
                {{ amount }}_mtd,
                {{ amount }}_ytd{{ "," if not loop.last }}
            {% endfor %}
        from {{ this }}
        where
            business_date = {{ previous_business_date() }}
            and date_trunc('year', business_date) = date_trunc('year', {{ business_date() }})
    {% else %}
        select
            ''::text as book_id,
            ''::text as account_id,
            ''::text as instrument_id,
            ''::text as product_line,
            ''::text as currency_code,
            false as is_same_month,
            {% for amount in amounts %}
                0::numeric as {{ amount }}_mtd,
                0::numeric as {{ amount }}_ytd{{ "," if not loop.last }}
            {% endfor %}
        where false
    {% endif %}
),

books as (
    select * from {{ as_known(ref('stg_books__books'), ['book_id']) }} as known
),

added as (
    select
        coalesce(today.book_id, carried.book_id) as book_id,
        coalesce(today.account_id, carried.account_id) as account_id,
        coalesce(today.instrument_id, carried.instrument_id) as instrument_id,
        coalesce(today.product_line, carried.product_line) as product_line,
        coalesce(today.currency_code, carried.currency_code) as currency_code,
        {% for amount in amounts %}
            coalesce(today.{{ amount }}, 0) as {{ amount }},
            coalesce(today.{{ amount }}, 0)
            + case when carried.is_same_month then coalesce(carried.{{ amount }}_mtd, 0) else 0 end
                as {{ amount }}_mtd,
            coalesce(today.{{ amount }}, 0) + coalesce(carried.{{ amount }}_ytd, 0)
                as {{ amount }}_ytd{{ "," if not loop.last }}
        {% endfor %}
    from today
    full outer join carried
        on
            today.book_id = carried.book_id
            and today.account_id = carried.account_id
            and today.instrument_id = carried.instrument_id
),

profit_to_date as (
    select
        {{ business_date() }} as business_date,
        added.book_id,
        added.account_id,
        added.instrument_id,
        books.desk_id,
        added.product_line,
        added.currency_code,
        {% for amount in amounts %}
            added.{{ amount }}::numeric(24, 4) as {{ amount }},
            added.{{ amount }}_mtd::numeric(24, 4) as {{ amount }}_mtd,
            added.{{ amount }}_ytd::numeric(24, 4) as {{ amount }}_ytd{{ "," if not loop.last }}
        {% endfor %}
    from added
    inner join books on added.book_id = books.book_id
)

select * from profit_to_date
