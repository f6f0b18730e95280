{{ config(materialized='table', unlogged=true, analysed_columns=['business_date', 'book_id', 'account_id', 'instrument_id', 'is_replayed']) }}

-- The lots of each key that today's events touched, worked out from yesterday's or, where it is replayed, from nothing. A table of its
-- own, so that the database can match in parallel.

select
    gathered.business_date,
    gathered.book_id,
    gathered.account_id,
    gathered.instrument_id,
    gathered.is_replayed,
    books.match_lots(
        {% if lots_carried() %}
            case
                when not gathered.is_replayed and opening.book_id is not null
                    then
                        row(
                            opening.lot_ids, opening.opened_dates, opening.quantities, opening.costs, opening.costs_base,
                            null, null, null, null, null, null, null, null, null
                        )::books.lot_book
            end,
        {% else %}
            null,
        {% endif %}
        gathered.events, gathered.minor_unit, gathered.base_minor_unit
    ) as lots
from {{ ref('int_lots__events_gathered') }} as gathered
{% if lots_carried() %}
    left join {{ lots_carried() }} as opening
        on
            gathered.book_id = opening.book_id
            and gathered.account_id = opening.account_id
            and gathered.instrument_id = opening.instrument_id
            and opening.business_date = {{ previous_business_date() }}
{% endif %}
where gathered.link_id is null
