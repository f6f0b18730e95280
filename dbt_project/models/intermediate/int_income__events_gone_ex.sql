-- Every income event whose entitlements the business date has to settle: it goes ex today, was announced, amended or
-- withdrawn today after its ex date, the terms of its bond changed today, a trade dated before its ex date was booked or taken
-- back today, or the rate at which it is taxed came or changed today.

-- An event is of the instrument and kind it was last told of. Its entitlements to the income of an instrument have its id, and that of the
-- instrument where the event named another one first: a holding that it is told of no more is taken back by itself.
with told as (
    select
        corporate_actions.*,
        corporate_actions.event_id
        || case
            when corporate_actions.instrument_id <> first_value(corporate_actions.instrument_id) over by_first then ':' || corporate_actions.instrument_id
            else ''
        end as income_event_id,
        case
            when corporate_actions.event_type in ('CASH_DIVIDEND', 'SPECIAL_DIVIDEND') then 'DIVIDEND'
            when corporate_actions.event_type in ('REDEMPTION', 'CALL', 'PARTIAL_REDEMPTION') then 'COUPON'
        end as income_type
    from {{ ref('stg_books__corporate_actions') }} as corporate_actions
    where corporate_actions.business_date <= {{ business_date() }}
    window by_first as (
        partition by corporate_actions.event_id
        order by corporate_actions.business_date, corporate_actions.revision
    )
),

announcements as (
    select * from {{ announcements_known('told') }} as known
),

-- By what the event said of it last; nothing is due by it any more.
told_no_more as (
    select distinct on (told.event_id, told.instrument_id, told.income_type)
        told.income_event_id || case told.income_type when 'COUPON' then ':ACCRUED' else '' end as event_id,
        told.income_type,
        told.instrument_id,
        coalesce(told.account_id, '') as account_id,
        told.ex_date,
        told.pay_date
    from told
    inner join announcements on told.event_id = announcements.event_id
    where
        told.income_type is not null
        and (told.instrument_id, told.income_type) is distinct from (announcements.instrument_id, announcements.income_type)
        and exists (
            select 1 from told as told_today
            where
                told_today.event_id = told.event_id
                and told_today.business_date = {{ business_date() }}
        )
    order by
        told.event_id, told.instrument_id, told.income_type, told.announcement_no desc nulls last, told.business_date desc, told.revision desc
),

dividends as (
    select
        income_event_id as event_id,
        'DIVIDEND'::text as income_type,
        instrument_id,
        coalesce(account_id, '') as account_id,
        ''::text as redemption_id,
        1 as entitled_fraction,
        ex_date,
        null::date as ex_settlement_date,
        pay_date,
        -- what was booked of an event whose ex date is yet to come is taken back
        case when event_status = 'WITHDRAWN' or ex_date > {{ business_date() }} then 0 else amount_per_unit end as amount_per_unit,
        business_date as announced_date
    from announcements
    where
        (ex_date <= {{ business_date() }} or business_date = {{ business_date() }})
        and income_type = 'DIVIDEND'
),

moved as (
    select
        instrument_id,
        min(trade_date) as earliest_trade_date,
        min(settlement_date) as earliest_settlement_date
    from (
        select
            instrument_id,
            trade_date,
            settlement_date
        from {{ ref('int_trades__movements') }}
        where business_date = {{ business_date() }}
        union all
        -- what another event changed of a holding
        select
            instrument_id,
            ex_date,
            null
        from {{ ref('fct_corporate_actions') }}
        where
            business_date = {{ business_date() }}
            and quantity_change <> 0
    ) as changes
    group by instrument_id
),

terms as (
    select
        instruments.instrument_id,
        instruments.market_mic,
        instruments.standard_settlement_date,
        instruments.lookback_days,
        instruments.terms_sha,
        coalesce(formerly.terms_sha, instruments.terms_sha) as former_terms_sha
    from {{ ref('int_reference__instruments_known') }} as instruments
    left join {{ ref('int_reference__instruments_known') }} as formerly
        on
            instruments.instrument_id = formerly.instrument_id
            and formerly.business_date = {{ previous_business_date() }}
    where
        instruments.business_date = {{ business_date() }}
        and instruments.accrues_interest
),

-- What was paid already keeps the rate it was paid at, unless there was none.
taxed_anew as (
    select
        instrument_id,
        income_type,
        bool_or(is_first_rate) as is_first_rate
    from (
        select
            instruments.instrument_id,
            rates.income_type,
            not exists (
                select 1
                from {{ ref('stg_books__withholding_rates') }} as earlier
                where
                    earlier.account_id = rates.account_id
                    and earlier.issuer_country_code = rates.issuer_country_code
                    and earlier.income_type = rates.income_type
                    and earlier.business_date < {{ business_date() }}
            ) as is_first_rate
        from {{ ref('stg_books__withholding_rates') }} as rates
        inner join {{ ref('int_reference__instruments_known') }} as instruments
            on
                rates.issuer_country_code = instruments.issuer_country_code
                and instruments.business_date = {{ business_date() }}
        where rates.business_date = {{ business_date() }}
        union all
        -- an issuer that is of another country now
        select
            instruments.instrument_id,
            incomes.income_type,
            false
        from {{ ref('int_reference__instruments_known') }} as instruments
        inner join {{ ref('int_reference__instruments_known') }} as formerly
            on
                instruments.instrument_id = formerly.instrument_id
                and formerly.business_date = {{ previous_business_date() }}
        cross join (values ('DIVIDEND'), ('COUPON')) as incomes (income_type)
        where
            instruments.business_date = {{ business_date() }}
            and instruments.issuer_country_code <> formerly.issuer_country_code
    ) as learned
    group by instrument_id, income_type
),

-- The coupons whose rate is fixed by today's terms; at 0 those that yesterday's terms had and today's have not.
coupons_known as (
    select
        terms.instrument_id,
        terms.market_mic,
        terms.standard_settlement_date,
        current_ones.coupon_date,
        current_ones.ex_date,
        current_ones.pay_date,
        current_ones.coupon_percent,
        terms.terms_sha <> terms.former_terms_sha
        and (
            former_ones.coupon_percent is distinct from current_ones.coupon_percent
            or former_ones.ex_date is distinct from current_ones.ex_date
            or former_ones.pay_date is distinct from current_ones.pay_date
        ) as is_restated
    from terms
    inner join {{ ref('stg_books__bond_coupons') }} as current_ones
        on
            terms.instrument_id = current_ones.instrument_id
            and terms.terms_sha = current_ones.terms_sha
            and current_ones.coupon_percent is not null
    left join {{ ref('stg_books__bond_coupons') }} as former_ones
        on
            terms.instrument_id = former_ones.instrument_id
            and terms.former_terms_sha = former_ones.terms_sha
            and current_ones.coupon_date = former_ones.coupon_date
    union all
    select
        terms.instrument_id,
        terms.market_mic,
        terms.standard_settlement_date,
        former_ones.coupon_date,
        former_ones.ex_date,
        former_ones.pay_date,
        0,
        true
    from terms
    inner join {{ ref('stg_books__bond_coupons') }} as former_ones
        on
            terms.instrument_id = former_ones.instrument_id
            and terms.former_terms_sha = former_ones.terms_sha
            and former_ones.coupon_percent is not null
    left join {{ ref('stg_books__bond_coupons') }} as current_ones
        on
            terms.instrument_id = current_ones.instrument_id
            and terms.terms_sha = current_ones.terms_sha
            and former_ones.coupon_date = current_ones.coupon_date
    where
        terms.terms_sha <> terms.former_terms_sha
        and current_ones.coupon_percent is null
),

-- The bonds that events pay back, as last told: a row for each event and bond that it ever named. Its ex date and its pay date as they were told
-- so far enclose every coupon that it may have had a say in.
redemptions as (
    select
        announcements.event_id,
        named.instrument_id,
        coalesce(announcements.account_id, '') as account_id,
        announcements.ex_date,
        announcements.pay_date,
        announcements.business_date as announced_date,
        named.earliest_ex_date,
        named.latest_pay_date,
        case
            when
                announcements.event_status = 'WITHDRAWN'
                or announcements.ex_date > {{ business_date() }}
                or announcements.instrument_id <> named.instrument_id
                then 0
            when announcements.event_type = 'PARTIAL_REDEMPTION' then announcements.redeemed_fraction
            when announcements.event_type in ('REDEMPTION', 'CALL') then 1
            else 0
        end as redeemed_fraction,
        -- what is dealt before the ex date, and up to it, settles until then
        coalesce(cycles.last_settlement_date_before, announcements.ex_date) as last_settlement_date_before,
        coalesce(cycles.last_settlement_date, announcements.ex_date) as last_settlement_date,
        terms.terms_sha,
        terms.terms_sha <> terms.former_terms_sha as is_restated,
        case when terms.lookback_days is null then 'infinity'::date else terms.standard_settlement_date end as last_known_date
    from (
        select
            event_id,
            instrument_id,
            min(ex_date) as earliest_ex_date,
            max(pay_date) as latest_pay_date
        from told
        where income_type = 'COUPON'
        group by event_id, instrument_id
    ) as named
    inner join announcements on named.event_id = announcements.event_id
    inner join terms on named.instrument_id = terms.instrument_id
    cross join lateral (
        select
            max(settlement_date) filter (where trade_date < announcements.ex_date) as last_settlement_date_before,
            max(settlement_date) as last_settlement_date
        from {{ ref('stg_books__settlement_cycles') }}
        where
            market_mic = terms.market_mic
            and trade_date <= announcements.ex_date
    ) as cycles
),

-- What an event pays back of a bond earns its coupons up to the pay date, also those that go ex when it is held no more: these are its holders'
-- of before the ex date, from then on. Where an event had a say in a coupon and has none any more, the part is nothing.
coupons_redeemed as (
    select
        'CPN:' || coupons_known.instrument_id || ':' || to_char(coupons_known.coupon_date, 'YYYY-MM-DD') as event_id,
        'COUPON'::text as income_type,
        coupons_known.instrument_id,
        redemptions.account_id,
        redemptions.event_id as redemption_id,
        case
            when
                coupons_known.ex_date > redemptions.last_settlement_date
                and coupons_known.ex_date <= redemptions.pay_date
                then redemptions.redeemed_fraction * {{ outstanding_at('redemptions', 'repaid.coupon_date < coupons_known.coupon_date') }}
            else 0
        end as entitled_fraction,
        redemptions.ex_date,
        coupons_known.ex_date as ex_settlement_date,
        coupons_known.pay_date,
        coupons_known.coupon_percent / 100 as amount_per_unit,
        case when coupons_known.is_restated then {{ business_date() }} else redemptions.announced_date end as announced_date
    from redemptions
    inner join coupons_known
        on
            redemptions.instrument_id = coupons_known.instrument_id
            and coupons_known.ex_date between redemptions.earliest_ex_date and redemptions.latest_pay_date
),

coupons as (
    select
        'CPN:' || coupons_known.instrument_id || ':' || to_char(coupons_known.coupon_date, 'YYYY-MM-DD') as event_id,
        'COUPON'::text as income_type,
        coupons_known.instrument_id,
        '' as account_id,
        '' as redemption_id,
        1 as entitled_fraction,
        cycles.trade_date as ex_date,
        coupons_known.ex_date as ex_settlement_date,
        coupons_known.pay_date,
        coupons_known.coupon_percent / 100 as amount_per_unit,
        case when coupons_known.is_restated then {{ business_date() }} else cycles.trade_date end as announced_date
    from coupons_known
    left join moved on coupons_known.instrument_id = moved.instrument_id
    left join taxed_anew
        on
            coupons_known.instrument_id = taxed_anew.instrument_id
            and taxed_anew.income_type = 'COUPON'
    -- the first trade date that by the market's cycle settles without the coupon
    inner join lateral (
        select min(trade_date) as trade_date
        from {{ ref('stg_books__settlement_cycles') }} as cycles
        where
            cycles.market_mic = coupons_known.market_mic
            and cycles.settlement_date >= coupons_known.ex_date
    ) as cycles on cycles.trade_date is not null
    where
        coupons_known.ex_date <= coupons_known.standard_settlement_date
        and cycles.trade_date <= {{ business_date() }}
        -- those that nothing reaches back to are left out early
        and (
            coupons_known.is_restated
            or coupons_known.ex_date > {{ business_date() }} - 40
            or coupons_known.ex_date > moved.earliest_trade_date
            or (coupons_known.instrument_id, coupons_known.ex_date) in (
                select
                    instrument_id,
                    ex_settlement_date
                from coupons_redeemed
            )
            or taxed_anew.is_first_rate
            or (taxed_anew.instrument_id is not null and coupons_known.pay_date >= {{ business_date() }})
        )
),

last_coupons as (
    select
        redemptions.event_id,
        redemptions.instrument_id,
        max(coupons_known.ex_date) as ex_date
    from redemptions
    inner join coupons_known
        on
            redemptions.instrument_id = coupons_known.instrument_id
            and coupons_known.ex_date <= redemptions.pay_date
            and coupons_known.coupon_percent <> 0
    group by redemptions.event_id, redemptions.instrument_id
),

-- A bond that an event pays back is paid its interest to the date of payment with it, on what is paid back: beside its coupons, what accrues
-- since the last of them. Where the rates until then are not known, what is known of it; until the date of payment it is looked up every day.
interest_on_redemptions as (
    select
        announcements.income_event_id || ':ACCRUED' as event_id,
        'COUPON'::text as income_type,
        redemptions.instrument_id,
        redemptions.account_id,
        ''::text as redemption_id,
        1 as entitled_fraction,
        redemptions.ex_date,
        null::date as ex_settlement_date,
        redemptions.pay_date,
        accruals.accrued_percent / 100 * redemptions.redeemed_fraction
        * {{ outstanding_at('redemptions', 'repaid.coupon_date <= redemptions.pay_date') }} as amount_per_unit,
        case
            when redemptions.is_restated or redemptions.pay_date > coalesce({{ previous_business_date() }}, '-infinity'::date)
                then {{ business_date() }}
            else redemptions.announced_date
        end as announced_date
    from redemptions
    inner join announcements
        on
            redemptions.event_id = announcements.event_id
            and redemptions.instrument_id = announcements.instrument_id
            and announcements.income_type = 'COUPON'
    left join last_coupons
        on
            redemptions.event_id = last_coupons.event_id
            and redemptions.instrument_id = last_coupons.instrument_id
    cross join lateral (
        select known.accrued_percent
        from {{ ref('stg_books__bond_accruals') }} as known
        where
            known.instrument_id = redemptions.instrument_id
            and known.terms_sha = redemptions.terms_sha
            and known.accrual_date <= redemptions.pay_date
            and known.accrual_date <= redemptions.last_known_date
            and known.accrual_date >= coalesce(last_coupons.ex_date, '-infinity'::date)
        order by known.accrual_date desc
        limit 1
    ) as accruals
    where announcements.ex_date <= {{ business_date() }} or announcements.business_date = {{ business_date() }}
),

events as (
    select * from dividends
    union all
    select * from coupons
    union all
    select * from coupons_redeemed
    union all
    select * from interest_on_redemptions
),

-- The parts of a coupon are told together.
events_reached as (
    select distinct events.event_id
    from events
    left join moved on events.instrument_id = moved.instrument_id
    left join taxed_anew
        on
            events.instrument_id = taxed_anew.instrument_id
            and events.income_type = taxed_anew.income_type
    where
        events.ex_date = {{ business_date() }}
        or events.announced_date = {{ business_date() }}
        or moved.earliest_trade_date < events.ex_date
        or moved.earliest_settlement_date < events.ex_settlement_date
        or taxed_anew.is_first_rate
        or (taxed_anew.instrument_id is not null and events.pay_date >= {{ business_date() }})
        -- ex on a day that is no business day of the firm: the first business date after it
        or events.ex_date > {{ previous_business_date() }}
),

events_gone_ex as (
    select
        {{ business_date() }} as business_date,
        events.event_id,
        events.income_type,
        events.instrument_id,
        -- an election; empty: all who hold
        events.account_id,
        -- of a coupon: the event that pays the bond back, for its part of the holding; empty: all that is held
        events.redemption_id,
        events.entitled_fraction::numeric(28, 12) as entitled_fraction,
        events.ex_date,
        -- of coupons: the first settlement date without it; a trade that settles apart from the market's cycle goes by it
        events.ex_settlement_date,
        events.pay_date,
        events.amount_per_unit::numeric(28, 12) as amount_per_unit,
        (
            select max(days.business_date)
            from {{ ref('stg_books__business_days') }} as days
            where
                days.business_date < events.ex_date
                and events.ex_date <= {{ business_date() }}
        ) as cum_date
    from events
    inner join events_reached on events.event_id = events_reached.event_id
    union all
    select
        {{ business_date() }},
        event_id,
        income_type,
        instrument_id,
        account_id,
        '',
        1::numeric(28, 12),
        ex_date,
        null,
        pay_date,
        0::numeric(28, 12),
        null
    from told_no_more
)

select * from events_gone_ex
