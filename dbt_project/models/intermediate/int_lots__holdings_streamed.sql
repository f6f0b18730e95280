{{ config(materialized='view') }}

-- What the lot kernel reads of a large day beside its trades: all lots that were open before. Those that nobody traded it carries on as they are.

{% if lots_carried() %}
    select
        held.book_id,
        held.account_id,
        held.instrument_id,
        held.lot_ids,
        held.opened_dates,
        held.quantities,
        held.costs,
        held.costs_base
    from {{ lots_carried() }} as held
    where
        held.business_date = {{ previous_business_date() }}
        and held.quantity <> 0
{% else %}
    select
        ''::text as book_id,
        ''::text as account_id,
        ''::text as instrument_id,
        '{}'::text [] as lot_ids,
        '{}'::date [] as opened_dates,
        '{}'::numeric [] as quantities,
        '{}'::numeric [] as costs,
        '{}'::numeric [] as costs_base
    where false
{% endif %}
