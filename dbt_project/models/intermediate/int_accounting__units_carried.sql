{{ config(indexes=[{'columns': ['business_date', 'book_id']}]) }}

-- The units the ledger holds per book, account and instrument, by the trades and events that it posts: yesterday's and today's. Neither lots
-- nor positions are read: it is what the journal values its securities with. Of currency forwards it holds, until their value date, what their
-- trades come to, and what is agreed to be given for them; from then on nothing. One that is put off after its date came is held once more.

with forwards as (
    select
        instruments.instrument_id,
        instruments.maturity_date <= {{ business_date() }} as is_due,
        formerly.maturity_date <= {{ previous_business_date() }} as was_due
    from {{ ref('int_reference__instruments_known') }} as instruments
    left join {{ ref('int_reference__instruments_known') }} as formerly
        on
            instruments.instrument_id = formerly.instrument_id
            and formerly.business_date = {{ previous_business_date() }}
    where
        instruments.business_date = {{ business_date() }}
        and instruments.exchanges_at_maturity
),

parts as (
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
    where
        business_date {{ "=" if is_incremental() else "<=" }} {{ business_date() }}
        and event_type <> 'MATURITY'
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
        union all
        select
            history.book_id,
            history.account_id,
            history.instrument_id,
            history.quantity,
            history.agreed_amount
        from forwards
        inner join {{ ref('int_trades__movements') }} as history on forwards.instrument_id = history.instrument_id
        where
            forwards.was_due
            and not forwards.is_due
            and history.business_date < {{ business_date() }}
    {% endif %}
),

units_carried as (
    select
        {{ business_date() }} as business_date,
        parts.book_id,
        parts.account_id,
        parts.instrument_id,
        sum(parts.quantity)::numeric(28, 10) as quantity,
        sum(parts.agreed_amount)::numeric(24, 4) as agreed_amount
    from parts
    left join forwards on parts.instrument_id = forwards.instrument_id
    where forwards.is_due is not true
    group by parts.book_id, parts.account_id, parts.instrument_id
    having sum(parts.quantity) <> 0 or sum(parts.agreed_amount) <> 0
)

select * from units_carried
