-- What each book came to owe or be owed today, per currency: trades, income, what events pay, variation margin, and what it passes on to
-- clients.
-- Settlement, receipt and payment turn these claims into cash later; the sum does not move then.

with flows as (
    select
        book_id,
        currency_code,
        amount,
        amount_base
    from {{ claims_traded() }} as traded
    union all
    select
        book_id,
        currency_code,
        case when client_id is null then net_amount else 0 end as amount,
        case when client_id is null then net_amount_base else 0 end as amount_base
    from {{ ref('fct_income') }}
    where business_date = {{ business_date() }}
    union all
    select
        book_id,
        cash_currency_code,
        cash_amount,
        cash_amount_base
    from {{ ref('fct_corporate_actions') }}
    where business_date = {{ business_date() }}
    union all
    select
        book_id,
        currency_code,
        margin_amount,
        margin_amount_base
    from {{ ref('fct_variation_margin') }}
    where business_date = {{ business_date() }}
),

opening as (
    {% if is_incremental() %}
        select
            book_id,
            currency_code,
            closing_amount,
            closing_amount_base
        from {{ this }}
        where business_date = {{ previous_business_date() }}
    {% else %}
        select
            ''::text as book_id,
            ''::text as currency_code,
            0::numeric as closing_amount,
            0::numeric as closing_amount_base
        where false
    {% endif %}
),

totals as (
    select
        book_id,
        currency_code,
        sum(opening_amount) as opening_amount,
        sum(opening_amount_base) as opening_amount_base,
        sum(flow_amount) as flow_amount,
        sum(flow_amount_base) as flow_amount_base
    from (
        select
            book_id,
            currency_code,
            closing_amount as opening_amount,
            closing_amount_base as opening_amount_base,
            0::numeric as flow_amount,
            0::numeric as flow_amount_base
        from opening
        union all
        select
            book_id,
            currency_code,
            0,
            0,
            amount,
            amount_base
        from flows
    ) as parts
    group by book_id, currency_code
),

flows_due as (
    select
        {{ business_date() }} as business_date,
        totals.book_id,
        totals.currency_code,
        totals.opening_amount::numeric(24, 4) as opening_amount,
        totals.opening_amount_base::numeric(24, 4) as opening_amount_base,
        totals.flow_amount::numeric(24, 4) as flow_amount,
        totals.flow_amount_base::numeric(24, 4) as flow_amount_base,
        (totals.opening_amount + totals.flow_amount)::numeric(24, 4) as closing_amount,
        {{ round_money('(totals.opening_amount + totals.flow_amount) * rates.rate', 'rates.base_minor_unit') }}::numeric(24, 4)
            as closing_amount_base
    from totals
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            totals.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
)

select * from flows_due
