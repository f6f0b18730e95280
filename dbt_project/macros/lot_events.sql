{# A movement as an event of lot matching; needs the joins of lot_methods_of. #}
{% macro lot_event(movements) -%}
    row(
        {{ movements }}.trade_id, {{ movements }}.trade_date, {{ movements }}.quantity,
        {{ movements }}.gross_amount + {{ movements }}.fee_amount,
        {{ movements }}.gross_amount_base + {{ movements }}.fee_amount_base, {{ movements }}.fx_rate,
        coalesce(account_methods.lot_method, line_methods.lot_method), {{ movements }}.closes_trade_id, null, null, null,
        null, null, null, null, null, null, null, null, null, null
    )::books.lot_event
{%- endmacro %}

{# Execution time, then the source's sequence; the same whatever the order of arrival. #}
{% macro lot_event_order(movements) -%}
    {{ movements }}.trade_date as event_date,
    {{ movements }}.executed_at as event_moment,
    {{ movements }}.source_sequence,
    {{ movements }}.trade_id as event_id
{%- endmacro %}

{# A corporate action as an event of the lots of an account, from a row of int_corporate_actions__terms_known. #}
{% macro restatement_event(terms, account_id) -%}
    row(
        {{ terms }}.event_id, {{ terms }}.ex_date, null, null, null, {{ terms }}.fx_rate,
        {{ lot_method_on(account_id, terms ~ '.product_line', terms ~ '.ex_date') }}, null,
        {{ terms }}.new_units, {{ terms }}.old_units, {{ terms }}.cost_moved,
        {{ terms }}.closed_fraction, {{ terms }}.cash_per_unit, {{ terms }}.fraction_price, {{ terms }}.received_instrument_id,
        {{ terms }}.received_units, {{ terms }}.cash_paid_per_unit, {{ terms }}.received_fx_rate,
        {{ lot_method_on(account_id, terms ~ '.received_product_line', terms ~ '.ex_date') }}, {{ terms }}.exercised_quantity,
        {{ terms }}.exercised_fraction
    )::books.lot_event
{%- endmacro %}

{# Before the trades of its ex date, by its rank among the events of that date. #}
{% macro restatement_event_order(terms) -%}
    {{ terms }}.ex_date,
    '-infinity'::timestamptz,
    {{ terms }}.event_rank::bigint,
    {{ terms }}.event_id
{%- endmacro %}

{# Which lot method holds when: the CTEs that lot_methods_of needs. #}
{% macro lot_methods() -%}
account_methods as (
    select
        account_id,
        lot_method,
        business_date,
        valid_from,
        lead(valid_from, 1, 'infinity'::date) over (partition by account_id order by valid_from) as valid_until
    from {{ as_known(ref('stg_books__lot_methods'), ['account_id', 'valid_from']) }} as known
),

line_methods as (
    select
        product_line,
        lot_method,
        valid_from,
        lead(valid_from, 1, 'infinity'::date) over (partition by product_line order by valid_from) as valid_until
    from (
        select distinct on (product_line, valid_from)
            product_line,
            valid_from,
            lot_method
        from {{ ref('stg_books__product_lines') }}
        order by product_line, valid_from, known_at desc
    ) as latest
)
{%- endmacro %}

{# The lot method in force for a movement on its trade date: the account's own, or that of the product line. #}
{% macro lot_methods_of(movements) -%}
    inner join line_methods
        on
            {{ movements }}.product_line = line_methods.product_line
            and {{ movements }}.trade_date >= line_methods.valid_from
            and {{ movements }}.trade_date < line_methods.valid_until
    left join account_methods
        on
            {{ movements }}.account_id = account_methods.account_id
            and {{ movements }}.trade_date >= account_methods.valid_from
            and {{ movements }}.trade_date < account_methods.valid_until
{%- endmacro %}

{# The lot method in force for an account and product line on a day: the account's own, or that of the line. #}
{% macro lot_method_on(account_id, product_line, day) -%}
    coalesce(
        {%- for methods, key, wanted in [
            ('account_methods', 'account_id', account_id),
            ('line_methods', 'product_line', product_line),
        ] %}
            (
                select {{ methods }}.lot_method
                from {{ methods }}
                where
                    {{ methods }}.{{ key }} = {{ wanted }}
                    and {{ day }} >= {{ methods }}.valid_from
                    and {{ day }} < {{ methods }}.valid_until
            ){{ "," if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{# The relation that carries the lots from day to day, named without a reference: it is built from today's and read as of yesterday.
   None on the firm's first day, when it does not exist yet. #}
{% macro lots_carried() -%}
    {%- if execute -%}
        {{ return(adapter.get_relation(database=target.database, schema='intermediate', identifier='int_lots__matched')) }}
    {%- endif -%}
{%- endmacro %}

{# What the day's events made of each key they touched, as far as it was worked out in the database. #}
{% macro lots_matched_today() -%}
    select * from {{ ref('int_lots__day_matched') }} where business_date = {{ business_date() }}
    union all
    select * from {{ ref('int_lots__linked_matched') }} where business_date = {{ business_date() }}
{%- endmacro %}

{# A lot method as the kernel of large days knows it (posttrade.domain.lot_kernel); null for one that it does not. #}
{% macro lot_method_number(lot_method) -%}
    array_position(array['FIFO', 'LIFO', 'HIGHEST_COST', 'LOWEST_COST', 'AVERAGE'], {{ lot_method }})
{%- endmacro %}
