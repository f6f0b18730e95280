{{ config(indexes=[{'columns': ['business_date', 'book_id']}]) }}

-- The units the ledger holds per book, account and instrument, by the trades and events that it posts: yesterday's and today's. Neither lots
-- nor positions are read: it is what the journal values its securities with.

with parts as (
    select
        book_id,
        account_id,
        instrument_id,
        quantity
    from {{ ref('int_trades__movements') }}
    where
        business_date {{ "=" if is_incremental() else "<=" }} {{ business_date() }}
        and exchanged_currency_code is null
    union all
    select
        book_id,
        account_id,
        instrument_id,
        quantity_change
    from {{ ref('fct_corporate_actions') }}
    where business_date {{ "=" if is_incremental() else "<=" }} {{ business_date() }}
    {% if is_incremental() %}
        union all
        select
            book_id,
            account_id,
            instrument_id,
            quantity
        from {{ this }}
        where business_date = {{ previous_business_date() }}
    {% endif %}
),

units_carried as (
    select
        {{ business_date() }} as business_date,
        book_id,
        account_id,
        instrument_id,
        sum(quantity)::numeric(28, 10) as quantity
    from parts
    group by book_id, account_id, instrument_id
    having sum(quantity) <> 0
)

select * from units_carried
