{{ config(indexes=[{'columns': ['business_date', 'book_id']}, {'columns': ['event_id', 'business_date']}, {'columns': ['pay_date']}]) }}

-- What events did to each holding. Where a key was worked out again from its first trade, the rows are what that changed of earlier
-- days, so that the sum over all dates up to one is what was known then. What was booked is taken back at the ex date it was booked at, so an
-- ex date that is moved has a row for either date. The latest row of an event and holding says when it is paid, so a pay date that is moved
-- has a row of its own.

-- An event that names another instrument than before, another date or none any more is still known by what it last said.
with terms as (
    select * from {{ ref('int_corporate_actions__terms_known') }} where business_date = {{ business_date() }}
),

matched as (
    {{ lots_matched_today() }}
),

effects as (
    select
        matched.book_id,
        matched.account_id,
        matched.instrument_id,
        effect.event_id,
        terms.ex_date,
        null::text as former_event_type,
        null::date as former_pay_date,
        effect.held_quantity,
        effect.quantity_change,
        effect.fraction_quantity,
        -- what a currency forward brings is told trade by trade (int_forwards__contracts)
        case when terms.event_type = 'MATURITY' then 0 else effect.cash_amount end as value_amount,
        case when terms.event_type = 'MATURITY' then 0 else effect.cash_amount_base end as value_amount_base,
        effect.cost_moved,
        effect.cost_moved_base
    from matched
    cross join lateral unnest((matched.lots).effects) as effect
    inner join terms on effect.event_id = terms.event_id
    {% if is_incremental() %}
        union all
        select
            matched.book_id,
            matched.account_id,
            matched.instrument_id,
            earlier.event_id,
            earlier.ex_date,
            earlier.event_type,
            earlier.pay_date,
            -earlier.entitled_quantity,
            -earlier.quantity_change,
            -earlier.fraction_quantity,
            -earlier.value_amount,
            -earlier.value_amount_base,
            -earlier.cost_moved_amount,
            -earlier.cost_moved_amount_base
        from matched
        inner join {{ this }} as earlier
            on
                matched.book_id = earlier.book_id
                and matched.account_id = earlier.account_id
                and matched.instrument_id = earlier.instrument_id
        where
            matched.is_replayed
            and earlier.business_date < {{ business_date() }}
    {% endif %}
),

{% if is_incremental() %}
pay_dates_moved as (
    select
        booked.book_id,
        booked.account_id,
        booked.instrument_id,
        booked.event_id,
        terms.ex_date
    from terms
    cross join lateral (
        select latest.pay_date
        from {{ this }} as latest
        where
            latest.event_id = terms.event_id
            and latest.business_date < {{ business_date() }}
        order by latest.business_date desc
        limit 1
    ) as formerly
    inner join {{ this }} as booked
        on
            terms.event_id = booked.event_id
            and booked.business_date < {{ business_date() }}
    where terms.pay_date <> formerly.pay_date
    group by booked.book_id, booked.account_id, booked.instrument_id, booked.event_id, terms.ex_date
    having sum(booked.cash_amount) <> 0
),
{% endif %}

changes as (
    select
        book_id,
        account_id,
        instrument_id,
        event_id,
        ex_date,
        max(former_event_type) as former_event_type,
        max(former_pay_date) as former_pay_date,
        sum(held_quantity) as entitled_quantity,
        sum(quantity_change) as quantity_change,
        sum(fraction_quantity) as fraction_quantity,
        sum(value_amount) as value_amount,
        sum(value_amount_base) as value_amount_base,
        sum(cost_moved) as cost_moved_amount,
        sum(cost_moved_base) as cost_moved_amount_base
    from (
        select
            effects.*,
            false as is_pay_date_moved
        from effects
        {% if is_incremental() %}
            union all
            select
                book_id,
                account_id,
                instrument_id,
                event_id,
                ex_date,
                null,
                null,
                0,
                0,
                0,
                0,
                0,
                0,
                0,
                true
            from pay_dates_moved
        {% endif %}
    ) as parts
    group by book_id, account_id, instrument_id, event_id, ex_date
    having
        sum(held_quantity) <> 0
        or sum(quantity_change) <> 0
        or sum(fraction_quantity) <> 0
        or sum(value_amount) <> 0
        or sum(value_amount_base) <> 0
        or sum(cost_moved) <> 0
        or sum(cost_moved_base) <> 0
        or bool_or(is_pay_date_moved)
),

corporate_actions as (
    select
        {{ business_date() }} as business_date,
        changes.event_id,
        changes.book_id,
        changes.account_id,
        changes.instrument_id,
        coalesce(terms.event_type, announced.event_type, changes.former_event_type) as event_type,
        instruments.product_line,
        changes.ex_date,
        coalesce(terms.pay_date, announced.pay_date, changes.former_pay_date) as pay_date,
        instruments.currency_code,
        changes.entitled_quantity::numeric(28, 10) as entitled_quantity,
        changes.quantity_change::numeric(28, 10) as quantity_change,
        changes.fraction_quantity::numeric(28, 10) as fraction_quantity,
        changes.value_amount::numeric(24, 4) as value_amount,
        changes.value_amount_base::numeric(24, 4) as value_amount_base,
        instruments.currency_code as cash_currency_code,
        -- where gains are paid every day, closing pays nothing of its own
        case when instruments.settles_daily then 0 else changes.value_amount end::numeric(24, 4) as cash_amount,
        case when instruments.settles_daily then 0 else changes.value_amount_base end::numeric(24, 4) as cash_amount_base,
        changes.cost_moved_amount::numeric(24, 4) as cost_moved_amount,
        changes.cost_moved_amount_base::numeric(24, 4) as cost_moved_amount_base
    from changes
    inner join {{ ref('int_reference__instruments_known') }} as instruments
        on
            changes.instrument_id = instruments.instrument_id
            and instruments.business_date = {{ business_date() }}
    left join terms on changes.event_id = terms.event_id
    left join {{ announcements_known() }} as announced on changes.event_id = announced.event_id
)

select * from corporate_actions
