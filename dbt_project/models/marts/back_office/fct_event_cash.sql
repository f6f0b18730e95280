{{ config(indexes=[{'columns': ['business_date', 'account_id']}, {'columns': ['event_id']}, {'columns': ['claim_id']}]) }}

-- The cash of income and corporate actions, claim by claim: it is due on the pay date that its event was last known by. A claim that is due
-- is paid; one that was paid and whose pay date has been moved to come is taken back, and paid again on its date.

{% set claims_of = {
    'INCOME': {'relation': ref('fct_income'), 'amount': 'net_amount', 'currency': 'currency_code',
               'claim_id': "concat_ws(':', claims.entitlement_id, claims.business_date)"},
    'CORPORATE_ACTION': {'relation': ref('fct_corporate_actions'), 'amount': 'cash_amount', 'currency': 'cash_currency_code',
                         'claim_id': "concat_ws(':', claims.event_id, claims.book_id, claims.account_id, claims.instrument_id,"
                                     ~ " claims.business_date)"},
} %}

with
{% for claim_type, claim in claims_of.items() %}
    {% set name = claim_type | lower %}
    -- what was booked or amended today, or falls due by what some row of it said
    {{ name }}_concerned as (
        select distinct
            event_id,
            book_id,
            account_id,
            instrument_id
        from {{ claim.relation }}
        where
            business_date = {{ business_date() }}
            or (business_date < {{ business_date() }} and {{ falls_due('pay_date') }})
    ),

    -- an ex date that was moved booked a date twice, as one claim
    {{ name }}_booked as (
        select
            {{ claim.claim_id }} as claim_id,
            claims.event_id,
            claims.book_id,
            claims.account_id,
            claims.instrument_id,
            claims.product_line,
            claims.business_date,
            claims.{{ claim.currency }} as currency_code,
            sum(claims.{{ claim.amount }}) as amount,
            max(claims.pay_date) as pay_date
        from {{ claim.relation }} as claims
        inner join {{ name }}_concerned as concerned
            on
                claims.event_id = concerned.event_id
                and claims.book_id = concerned.book_id
                and claims.account_id = concerned.account_id
                and claims.instrument_id = concerned.instrument_id
        where claims.business_date <= {{ business_date() }}
        group by
            {{ claim.claim_id }}, claims.event_id, claims.book_id, claims.account_id, claims.instrument_id, claims.product_line,
            claims.business_date, claims.{{ claim.currency }}
    ),

    {{ name }}_claims as (
        select
            '{{ claim_type }}' as claim_type,
            claims.claim_id,
            claims.event_id,
            claims.book_id,
            claims.account_id,
            claims.instrument_id,
            claims.product_line,
            claims.business_date as booked_date,
            claims.currency_code,
            claims.amount,
            first_value(claims.pay_date) over (
                partition by claims.event_id, claims.book_id, claims.account_id, claims.instrument_id
                order by claims.business_date desc
            ) as pay_date,
            first_value(claims.pay_date) over (
                partition by claims.event_id, claims.book_id, claims.account_id, claims.instrument_id
                -- what was known before today comes first
                order by claims.business_date = {{ business_date() }}, claims.business_date desc
            ) as former_pay_date
        from {{ name }}_booked as claims
    ),

{% endfor %}

claims as (
    select * from income_claims
    union all
    select * from corporate_action_claims
),

states as (
    select
        claims.*,
        claims.pay_date <= {{ business_date() }} as is_paid,
        claims.booked_date < {{ business_date() }}
        and coalesce(claims.former_pay_date <= {{ previous_business_date() }}, false) as was_paid
    from claims
    where claims.amount <> 0
),

event_cash as (
    select
        {{ business_date() }} as business_date,
        claim_type,
        claim_id,
        event_id,
        book_id,
        account_id,
        instrument_id,
        product_line,
        booked_date,
        pay_date,
        currency_code,
        amount::numeric(24, 4) as claim_amount,
        case
            when is_paid and was_paid then 0
            when is_paid then amount
            else -amount
        end::numeric(24, 4) as cash_amount,
        is_paid
    from states
    where is_paid or was_paid
)

select * from event_cash
