{# Of a unit of a bond held at the ex date of an event that pays it back, what its plan of repayments leaves; `repaid` narrows which of the
   repayments since are counted. 1 for a bond without a plan. #}
{% macro outstanding_at(redemptions, repaid) -%}
    coalesce((
        select
            (100 - coalesce(sum(repaid.redemption_percent) filter (where {{ repaid }}), 0))
            / nullif(100 - coalesce(sum(repaid.redemption_percent) filter (
                where repaid.coupon_date <= {{ redemptions }}.last_settlement_date_before
            ), 0), 0)
        from {{ ref('stg_books__bond_coupons') }} as repaid
        where
            repaid.instrument_id = {{ redemptions }}.instrument_id
            and repaid.terms_sha = {{ redemptions }}.terms_sha
    ), 0)
{%- endmacro %}
