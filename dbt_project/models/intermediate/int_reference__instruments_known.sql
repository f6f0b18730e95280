{{ config(indexes=[{'columns': ['business_date', 'instrument_id'], 'unique': true}]) }}

-- The terms of each instrument as known on the business date, with what its product line says about prices.

with instruments as (
    select * from {{ as_known(ref('stg_books__instruments'), ['instrument_id']) }} as known
),

-- New fixings and repayment plans make new terms of the same instrument.
bond_terms as (
    select * from {{ as_known(ref('stg_books__bond_terms'), ['instrument_id', 'content_sha']) }} as known
),

product_lines as (
    select distinct on (product_line)
        product_line,
        price_divisor,
        accrues_interest,
        stale_after_business_days,
        outlier_move,
        settles_daily,
        is_delivered,
        exchanges_currencies,
        exchanges_at_maturity,
        fixed_price
    from {{ ref('stg_books__product_lines') }}
    where valid_from <= {{ business_date() }}
    order by product_line, valid_from desc, known_at desc
),

instruments_known as (
    select
        {{ business_date() }} as business_date,
        instruments.instrument_id,
        coalesce(bond_terms.terms_sha, instruments.content_sha) as terms_sha,
        instruments.product_line,
        instruments.currency_code,
        instruments.market_mic,
        instruments.issuer_country_code,
        product_lines.price_divisor,
        product_lines.accrues_interest,
        product_lines.stale_after_business_days,
        product_lines.outlier_move,
        product_lines.settles_daily,
        product_lines.is_delivered,
        product_lines.exchanges_currencies,
        product_lines.exchanges_at_maturity,
        product_lines.fixed_price,
        instruments.notional_currency_code,
        instruments.maturity_date,
        coalesce(instruments.contract_size, 1) as contract_size,
        instruments.expiry_date,
        instruments.option_type,
        instruments.strike_price,
        instruments.underlying_instrument_id,
        instruments.index_name,
        instruments.fixing_days,
        instruments.lookback_days,
        cycles.settlement_date as standard_settlement_date
    from instruments
    inner join product_lines on instruments.product_line = product_lines.product_line
    left join bond_terms
        on
            instruments.instrument_id = bond_terms.instrument_id
            and instruments.content_sha = bond_terms.content_sha
    left join {{ ref('stg_books__settlement_cycles') }} as cycles
        on
            instruments.market_mic = cycles.market_mic
            and cycles.trade_date = {{ business_date() }}
)

select * from instruments_known
