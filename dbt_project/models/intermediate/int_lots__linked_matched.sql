{{ config(materialized='table', unlogged=true) }}

-- The lots of instruments that today's events, or those of the days worked out again, turn into one another: all instruments of a book
-- and account together, in the order of what happened; all books of the account, too, where fractions are paid, for these are the
-- account's. What the others do today stands in int_lots__day_matched.

with gathered as (
    select
        *,
        case when is_by_account then '' else book_id end as group_book_id
    from {{ ref('int_lots__events_gathered') }}
    where link_id is not null
),

-- Every instrument of the group, and those that its events may deliver.
linked_instruments as (
    select
        group_book_id,
        book_id,
        account_id,
        link_id,
        is_replayed,
        instrument_id
    from gathered
    union
    select
        gathered.group_book_id,
        gathered.book_id,
        gathered.account_id,
        gathered.link_id,
        gathered.is_replayed,
        event.into_instrument_id
    from gathered
    cross join lateral unnest(gathered.events) as event
    where event.into_instrument_id is not null
),

members as (
    select
        linked_instruments.*,
        rates.minor_unit,
        rates.base_minor_unit,
        {% if lots_carried() %}
            case
                when not linked_instruments.is_replayed and opening.book_id is not null
                    then
                        row(
                            opening.lot_ids, opening.opened_dates, opening.quantities, opening.costs, opening.costs_base,
                            null, null, null, null, null, null, null, null, null
                        )::books.lot_book
            end as opening,
        {% else %}
            null::books.lot_book as opening,
        {% endif %}
        row_number() over (
            partition by linked_instruments.group_book_id, linked_instruments.account_id, linked_instruments.link_id
            order by linked_instruments.book_id, linked_instruments.instrument_id
        ) as place
    from linked_instruments
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            linked_instruments.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    inner join {{ ref('int_market__closing_fx_rates') }} as rates
        on
            instruments.currency_code = rates.currency_code
            and rates.business_date = {{ business_date() }}
    {% if lots_carried() %}
        left join {{ lots_carried() }} as opening
            on
                linked_instruments.book_id = opening.book_id
                and linked_instruments.account_id = opening.account_id
                and linked_instruments.instrument_id = opening.instrument_id
                and opening.business_date = {{ previous_business_date() }}
    {% endif %}
),

-- An event comes before the trades of its ex date, in whichever instrument; those of one date come by their rank, and one event to one book
-- after the other.
events as (
    select
        gathered.group_book_id,
        gathered.account_id,
        gathered.link_id,
        array_agg(
            members.place::integer
            order by
                event.trade_date, event.quantity is not null, coalesce(terms.event_rank, 0), gathered.instrument_id, terms.event_id,
                gathered.book_id, event.position
        ) as event_places,
        array_agg(
            row(
                event.trade_id, event.trade_date, event.quantity, event.amount, event.amount_base, event.fx_rate, event.lot_method,
                event.closes_trade_id, event.new_units, event.old_units, event.cost_moved, event.closed_fraction, event.cash_per_unit,
                event.fraction_price, event.into_instrument_id, event.into_units, event.into_cash_per_unit, event.into_fx_rate,
                event.into_lot_method, event.exercised_quantity, event.exercised_fraction
            )::books.lot_event
            order by
                event.trade_date, event.quantity is not null, coalesce(terms.event_rank, 0), gathered.instrument_id, terms.event_id,
                gathered.book_id, event.position
        ) as events
    from gathered
    inner join members
        on
            gathered.book_id = members.book_id
            and gathered.account_id = members.account_id
            and gathered.instrument_id = members.instrument_id
    cross join lateral unnest(gathered.events) with ordinality as event (
        trade_id, trade_date, quantity, amount, amount_base, fx_rate, lot_method, closes_trade_id, new_units, old_units, cost_moved,
        closed_fraction, cash_per_unit, fraction_price, into_instrument_id, into_units, into_cash_per_unit, into_fx_rate, into_lot_method,
        exercised_quantity, exercised_fraction, position
    )
    left join {{ ref('int_corporate_actions__terms_known') }} as terms
        on
            event.quantity is null
            and event.trade_id = terms.event_id
            and terms.business_date = {{ business_date() }}
    group by gathered.group_book_id, gathered.account_id, gathered.link_id
),

inputs as (
    select
        members.group_book_id,
        members.account_id,
        members.link_id,
        members.is_replayed,
        members.base_minor_unit,
        array_agg(members.book_id order by members.place) as book_ids,
        array_agg(members.instrument_id order by members.place) as instrument_ids,
        array_agg(members.opening order by members.place) as openings,
        array_agg(members.minor_unit order by members.place) as minor_units
    from members
    group by members.group_book_id, members.account_id, members.link_id, members.is_replayed, members.base_minor_unit
)

select
    {{ business_date() }} as business_date,
    matched.book_id,
    inputs.account_id,
    matched.instrument_id,
    inputs.is_replayed,
    matched.lots
from inputs
left join events
    on
        inputs.group_book_id = events.group_book_id
        and inputs.account_id = events.account_id
        and inputs.link_id = events.link_id
cross join lateral books.match_account_lots(
    inputs.book_ids, inputs.instrument_ids, inputs.openings, inputs.minor_units, events.event_places, events.events, inputs.base_minor_unit
) as matched
