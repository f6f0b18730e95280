{{ config(indexes=[{'columns': ['business_date', 'book_id']}]) }}

-- The units the ledger holds per book, account and instrument, by the trades and events that it posts: yesterday's and today's. Neither lots
-- nor positions are read: it is what the journal values its securities with. Of currency forwards also what is agreed to be given for them, by the
-- trades that it posts and those that it posted the exchange of.

with parts as (
    select
        book_id,
        account_id,
        instrument_id,
        quantity,
        coalesce(agreed_amount, 0) as agreed_amount
    from {{ ref('int_trades__movements') }}
    where
        business_date {{ "=" if is_incremental() else "<=" }} {{ business_date() }}
        and exchanged_currency_code is null
    union all
    select
        book_id,
        account_id,
        instrument_id,
        quantity_change,
        0
    from {{ ref('fct_corporate_actions') }}
    where business_date {{ "=" if is_incremental() else "<=" }} {{ business_date() }}
    union all
    select
        book_id,
        account_id,
        instrument_id,
        0,
        -agreed_amount
    from {{ ref('int_forwards__contracts') }}
    where
        business_date {{ "=" if is_incremental() else "<=" }} {{ business_date() }}
        and contract_state <> 'OUTSTANDING'
    {% if is_incremental() %}
        union all
        select
            book_id,
            account_id,
            instrument_id,
            quantity,
            agreed_amount
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
        sum(quantity)::numeric(28, 10) as quantity,
        sum(agreed_amount)::numeric(24, 4) as agreed_amount
    from parts
    group by book_id, account_id, instrument_id
    having sum(quantity) <> 0 or sum(agreed_amount) <> 0
)

select * from units_carried
