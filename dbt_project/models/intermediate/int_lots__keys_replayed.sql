{{ config(materialized='table', unlogged=true) }}

-- The keys whose lots are worked out again from their first trade: an amendment, cancellation or late trade, a late corporate action,
-- corrected terms or a change of method reaches back.

with account_methods as (
    select
        account_id,
        business_date,
        valid_from
    from {{ as_known(ref('stg_books__lot_methods'), ['account_id', 'valid_from']) }} as known
),

-- A method stated today for trades already booked.
restated_accounts as (
    select
        account_id,
        min(valid_from) as valid_from
    from account_methods
    where
        business_date = {{ business_date() }}
        and valid_from < {{ business_date() }}
    group by account_id
),

-- Bonds whose terms are others than yesterday's, as a corrected repayment plan or a payment date that was moved makes them.
restated_bonds as (
    select
        instruments.instrument_id,
        instruments.market_mic,
        array[instruments.terms_sha, formerly.terms_sha] as terms
    from {{ ref('int_reference__instruments_known') }} as instruments
    inner join {{ ref('int_reference__instruments_known') }} as formerly
        on
            instruments.instrument_id = formerly.instrument_id
            and formerly.business_date = {{ previous_business_date() }}
    where
        instruments.business_date = {{ business_date() }}
        and instruments.terms_sha <> formerly.terms_sha
),

-- What was announced, amended or withdrawn today, or follows from terms or a last price corrected today: all instruments and dates it
-- ever named.
restated_instruments as (
    select
        instrument_id,
        min(ex_date) as ex_date
    from (
        select
            versions.instrument_id,
            versions.ex_date
        from {{ ref('stg_books__corporate_actions') }} as versions
        where
            versions.business_date <= {{ business_date() }}
            and versions.event_id in (
                select events.event_id from {{ ref('stg_books__corporate_actions') }} as events
                where events.business_date = {{ business_date() }}
            )
            and versions.event_type not in ('CASH_DIVIDEND', 'SPECIAL_DIVIDEND')
        union all
        select
            versions.instrument_id,
            least(versions.expiry_date + 1, versions.maturity_date)
        from {{ ref('stg_books__instruments') }} as versions
        where
            versions.business_date <= {{ business_date() }}
            and coalesce(versions.expiry_date, versions.maturity_date) is not null
            and versions.instrument_id in (
                select corrected.instrument_id from {{ ref('stg_books__instruments') }} as corrected
                where corrected.business_date = {{ business_date() }}
            )
        union all
        -- what an option was exercised into, and at which price
        select
            terms.instrument_id,
            terms.ex_date
        from {{ ref('int_corporate_actions__terms_known') }} as terms
        inner join {{ ref('int_reference__instruments_known') }} as instruments
            on
                instruments.instrument_id in (terms.instrument_id, terms.received_instrument_id)
                and instruments.business_date = {{ business_date() }}
        inner join {{ ref('int_reference__instruments_known') }} as formerly
            on
                instruments.instrument_id = formerly.instrument_id
                and formerly.business_date = {{ previous_business_date() }}
        where
            terms.business_date = {{ business_date() }}
            and terms.event_type = 'OPTION_EXERCISE'
            and (instruments.option_type, instruments.strike_price, instruments.contract_size)
            is distinct from (formerly.option_type, formerly.strike_price, formerly.contract_size)
        union all
        -- a bond trades without a repayment from the first trade date that settles on or after its date
        select
            restated_bonds.instrument_id,
            (
                select min(cycles.trade_date)
                from {{ ref('stg_books__settlement_cycles') }} as cycles
                where
                    cycles.market_mic = restated_bonds.market_mic
                    and cycles.settlement_date >= coupons.coupon_date
            )
        from restated_bonds
        inner join {{ ref('stg_books__bond_coupons') }} as coupons
            on
                restated_bonds.instrument_id = coupons.instrument_id
                and coupons.terms_sha = any(restated_bonds.terms)
                and coupons.redemption_percent > 0
        union all
        select
            prices.instrument_id,
            instruments.expiry_date + 1
        from {{ ref('stg_books__prices') }} as prices
        inner join {{ ref('int_reference__instruments_known') }} as instruments
            on
                prices.instrument_id = instruments.instrument_id
                and instruments.business_date = {{ business_date() }}
                and instruments.settles_daily
                and prices.price_date <= instruments.expiry_date
                and instruments.expiry_date < {{ business_date() }}
        where prices.business_date = {{ business_date() }}
    ) as restated
    group by instrument_id
),

replayed_alone as (
    select
        book_id,
        account_id,
        instrument_id
    from {{ ref('int_trades__movements') }}
    where
        business_date = {{ business_date() }}
        and movement_type in ('LATE', 'AMENDMENT', 'CANCELLATION')
        and exchanged_currency_code is null
    union
    select
        history.book_id,
        history.account_id,
        history.instrument_id
    from {{ ref('int_trades__movements') }} as history
    inner join restated_accounts on history.account_id = restated_accounts.account_id
    where
        history.business_date <= {{ business_date() }}
        and history.exchanged_currency_code is null
        and (
            history.trade_date >= restated_accounts.valid_from
            -- what an event could not deliver whole was taken out of other lots
            or exists (
                select 1 from {{ ref('int_corporate_actions__terms_known') }} as terms
                where
                    terms.business_date = {{ business_date() }}
                    and terms.instrument_id = history.instrument_id
                    and terms.ex_date >= restated_accounts.valid_from
                    and terms.ex_date <= {{ previous_business_date() }}
            )
        )
    union
    select
        history.book_id,
        history.account_id,
        history.instrument_id
    from {{ ref('int_trades__movements') }} as history
    inner join restated_instruments on history.instrument_id = restated_instruments.instrument_id
    where
        restated_instruments.ex_date <= {{ previous_business_date() }}
        and history.business_date <= {{ business_date() }}
        and history.trade_date < restated_instruments.ex_date
    {% if lots_carried() %}
        union
        -- held without a trade, because another event delivered it
        select
            held.book_id,
            held.account_id,
            held.instrument_id
        from {{ lots_carried() }} as held
        inner join restated_instruments on held.instrument_id = restated_instruments.instrument_id
        where
            restated_instruments.ex_date <= {{ previous_business_date() }}
            and held.business_date <= {{ previous_business_date() }}
    {% endif %}
),

-- What an instrument is worked out from changes what it turned into.
replayed_keys as (
    select * from replayed_alone
    union
    select
        replayed_alone.book_id,
        replayed_alone.account_id,
        links.linked_instrument_id
    from replayed_alone
    inner join {{ ref('int_corporate_actions__instruments_linked') }} as links on replayed_alone.instrument_id = links.instrument_id
),

members as (
    select distinct
        instrument_id,
        link_id
    from {{ ref('int_corporate_actions__instruments_linked') }}
    where is_by_account
),

-- Where fractions are paid to an account, what one of its books is worked out from changes what the others are given.
links_of_accounts as (
    select distinct
        replayed_keys.account_id,
        members.link_id
    from replayed_keys
    inner join members on replayed_keys.instrument_id = members.instrument_id
),

books_of_accounts as (
    select
        history.book_id,
        history.account_id,
        members.link_id
    from links_of_accounts
    inner join members on links_of_accounts.link_id = members.link_id
    inner join {{ ref('int_trades__movements') }} as history
        on
            members.instrument_id = history.instrument_id
            and links_of_accounts.account_id = history.account_id
    where
        history.business_date <= {{ business_date() }}
        and history.exchanged_currency_code is null
    {% if lots_carried() %}
        union
        select
            held.book_id,
            held.account_id,
            members.link_id
        from links_of_accounts
        inner join members on links_of_accounts.link_id = members.link_id
        inner join {{ lots_carried() }} as held
            on
                members.instrument_id = held.instrument_id
                and links_of_accounts.account_id = held.account_id
        where held.business_date <= {{ previous_business_date() }}
    {% endif %}
)

select * from replayed_keys
union
select
    books_of_accounts.book_id,
    books_of_accounts.account_id,
    members.instrument_id
from books_of_accounts
inner join members on books_of_accounts.link_id = members.link_id
