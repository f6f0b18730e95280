{{ config(
    indexes=[{'columns': ['book_id', 'account_id', 'instrument_id', 'business_date'], 'unique': true},
             {'columns': ['business_date'], 'type': 'brin'}],
    is_streamed_into=true,
    analysed_columns=['business_date', 'book_id', 'account_id', 'instrument_id', 'quantity', 'is_replayed'],
) }}

-- The open lots of each book, account and instrument and what the day realised of them, carried from day to day. A row stands for a
-- key that holds something or was touched today. The kernel of a large day has put its keys here before.
-- depends_on: {{ ref('int_lots__streamed') }}

with opening as (
    {% if is_incremental() %}
        select * from {{ this }}
        where
            business_date = {{ previous_business_date() }}
            and quantity <> 0
            -- the kernel carries what it does not leave to the database
            and (
                not exists (select 1 from {{ ref('int_lots__streamed') }})
                or (book_id, account_id, instrument_id) in (
                    select
                        streamed.book_id,
                        streamed.account_id,
                        streamed.instrument_id
                    from {{ ref('int_lots__streamed') }} as streamed
                    where not streamed.is_matched
                )
            )
    {% else %}
        select
            ''::text as book_id,
            ''::text as account_id,
            ''::text as instrument_id,
            0::numeric as quantity,
            0::numeric as cost_amount,
            0::numeric as cost_amount_base,
            '{}'::text [] as lot_ids,
            '{}'::date [] as opened_dates,
            '{}'::numeric [] as quantities,
            '{}'::numeric [] as costs,
            '{}'::numeric [] as costs_base
        where false
    {% endif %}
),

matched as not materialized (
    {{ lots_matched_today() }}
),

{% if is_incremental() %}
-- What earlier days realised of the keys that were worked out again from their first trade.
realised_before as (
    select
        matched.book_id,
        matched.account_id,
        matched.instrument_id,
        sum(earlier.realised_amount) as amount,
        sum(earlier.realised_amount_base) as amount_base,
        sum(earlier.realised_price_amount_base) as price_amount_base
    from matched
    inner join {{ this }} as earlier
        on
            matched.book_id = earlier.book_id
            and matched.account_id = earlier.account_id
            and matched.instrument_id = earlier.instrument_id
    where
        matched.is_replayed
        and earlier.business_date < {{ business_date() }}
    group by matched.book_id, matched.account_id, matched.instrument_id
),
{% endif %}

closing as (
    select
        matched.book_id,
        matched.account_id,
        matched.instrument_id,
        (matched.lots).quantity,
        (matched.lots).cost_amount,
        (matched.lots).cost_amount_base,
        {% if is_incremental() %}
            (matched.lots).realised_amount - coalesce(realised_before.amount, 0) as realised_amount,
            (matched.lots).realised_amount_base - coalesce(realised_before.amount_base, 0) as realised_amount_base,
            (matched.lots).realised_price_amount_base - coalesce(realised_before.price_amount_base, 0) as realised_price_amount_base,
        {% else %}
            (matched.lots).realised_amount,
            (matched.lots).realised_amount_base,
            (matched.lots).realised_price_amount_base,
        {% endif %}
        matched.is_replayed,
        (matched.lots).unnamed_quantity,
        (matched.lots).lot_ids,
        (matched.lots).opened_dates,
        (matched.lots).quantities,
        (matched.lots).costs,
        (matched.lots).costs_base
    from matched
    {% if is_incremental() %}
        left join realised_before
            on
                matched.book_id = realised_before.book_id
                and matched.account_id = realised_before.account_id
                and matched.instrument_id = realised_before.instrument_id
    {% endif %}
    union all
    select
        opening.book_id,
        opening.account_id,
        opening.instrument_id,
        opening.quantity,
        opening.cost_amount,
        opening.cost_amount_base,
        0,
        0,
        0,
        false,
        0,
        opening.lot_ids,
        opening.opened_dates,
        opening.quantities,
        opening.costs,
        opening.costs_base
    from opening
    left join matched
        on
            opening.book_id = matched.book_id
            and opening.account_id = matched.account_id
            and opening.instrument_id = matched.instrument_id
    where matched.book_id is null
)

select
    {{ business_date() }} as business_date,
    book_id,
    account_id,
    instrument_id,
    quantity::numeric(28, 10) as quantity,
    cost_amount::numeric(24, 4) as cost_amount,
    cost_amount_base::numeric(24, 4) as cost_amount_base,
    realised_amount::numeric(24, 4) as realised_amount,
    realised_amount_base::numeric(24, 4) as realised_amount_base,
    realised_price_amount_base::numeric(24, 4) as realised_price_amount_base,
    is_replayed,
    false as is_streamed,
    unnamed_quantity::numeric(28, 10) as unnamed_quantity,
    lot_ids,
    opened_dates,
    quantities,
    costs,
    costs_base
from closing
