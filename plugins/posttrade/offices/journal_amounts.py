"""What the journal has to say of a business date, in statements that fill tables for the posting run: amounts of events, and of valuation.

Amounts carry the sign of the event; a posting rule names the debit and credit account of a positive one.
"""


def _falls_due(day: str) -> str:
    """Whether a day falls on the business date, or on a day without business since the one before."""
    return (
        f"{day} <= :business_date and {day} > coalesce("
        "(select previous_business_date from books.business_days where business_date = :business_date), '-infinity'::date)"
    )


# The currency forwards of which the date has something to say: traded, amended or cancelled on it, due on it, with another value date than
# the day before, or said something of in an earlier run of it. Of each version in force whose value date has come, both amounts at the
# closing rates of that date: worked out of the trades, the terms and the rates, and not read from what the management takes for exchanged.
FORWARDS_EXCHANGED = (
    "drop table if exists pg_temp.forwards_concerned, pg_temp.forwards_exchanged",
    """
create temp table forwards_concerned on commit drop as
with forwards as (
    select instruments.instrument_id
    from intermediate.int_reference__instruments_known as instruments
    inner join books.business_days as days on instruments.business_date = days.business_date
    left join intermediate.int_reference__instruments_known as formerly
        on instruments.instrument_id = formerly.instrument_id and formerly.business_date = days.previous_business_date
    where instruments.business_date = :business_date and instruments.exchanges_at_maturity
        and (
            instruments.maturity_date is distinct from formerly.maturity_date
            or (instruments.maturity_date > days.previous_business_date and instruments.maturity_date <= :business_date)
        )
)
select movements.trade_id, movements.trade_version
from intermediate.int_trades__movements as movements
where movements.business_date = :business_date and movements.agreed_amount is not null
union
select history.trade_id, history.trade_version
from forwards
inner join intermediate.int_trades__movements as history on forwards.instrument_id = history.instrument_id
where history.business_date <= :business_date
union
select substring(event_id from '^MATURITY:(.*):[0-9]+$'), cast(substring(event_id from ':([0-9]+)$') as integer)
from ledger.journal_entries
where business_date = :business_date and event_type = 'MATURITY'
""",
    """
create temp table forwards_exchanged on commit drop as
with in_force as (
    select
        history.trade_id, history.trade_version, history.book_id, history.account_id, history.instrument_id, history.product_line,
        sum(history.quantity) as quantity, sum(history.agreed_amount) as agreed_amount
    from pg_temp.forwards_concerned as concerned
    inner join intermediate.int_trades__movements as history
        on concerned.trade_id = history.trade_id and concerned.trade_version = history.trade_version
    where history.business_date <= :business_date
    group by
        history.trade_id, history.trade_version, history.book_id, history.account_id, history.instrument_id, history.product_line
    having sum(history.movement_sign) > 0
),
rates as (
    select * from intermediate.int_market__closing_fx_rates where business_date = :business_date
),
known as (
    select
        in_force.trade_id, in_force.trade_version, in_force.book_id, in_force.account_id, in_force.instrument_id, in_force.product_line,
        in_force.agreed_amount, instruments.currency_code, instruments.notional_currency_code,
        in_force.quantity * instruments.contract_size as notional_quantity,
        given.minor_unit, given.base_minor_unit, taken.minor_unit as notional_minor_unit,
        given_then.rate, taken_then.rate as notional_rate
    from in_force
    inner join intermediate.int_reference__instruments_known as instruments
        on in_force.instrument_id = instruments.instrument_id and instruments.business_date = :business_date
        and instruments.maturity_date <= :business_date
    inner join rates as given on instruments.currency_code = given.currency_code
    inner join rates as taken on instruments.notional_currency_code = taken.currency_code
    inner join intermediate.int_market__closing_fx_rates as given_then
        on instruments.currency_code = given_then.currency_code and given_then.business_date = (
            select min(closing.business_date) from intermediate.int_market__closing_fx_rates as closing
            where closing.currency_code = instruments.currency_code and closing.business_date >= instruments.maturity_date
        )
    inner join intermediate.int_market__closing_fx_rates as taken_then
        on instruments.notional_currency_code = taken_then.currency_code and taken_then.business_date = (
            select min(closing.business_date) from intermediate.int_market__closing_fx_rates as closing
            where closing.currency_code = instruments.notional_currency_code and closing.business_date >= instruments.maturity_date
        )
)
select
    known.trade_id, known.trade_version, known.book_id, known.account_id, known.instrument_id, known.product_line,
    known.currency_code, known.notional_currency_code, known.agreed_amount,
    books.round_half_even(known.agreed_amount * known.rate, known.base_minor_unit) as agreed_amount_base,
    books.round_half_even(known.notional_quantity, known.notional_minor_unit) as exchanged_amount,
    books.round_half_even(known.notional_quantity * known.notional_rate, known.base_minor_unit) as exchanged_amount_base,
    -- the rate of the pair has as many decimals as a price
    books.round_half_even(known.notional_quantity * round(known.notional_rate / known.rate, 10), known.minor_unit)
        - known.agreed_amount as value_amount
from known
""",
)

# What an entitlement, a corporate action on a holding or the cash of either comes to is told by rows of several dates that add up. One
# entry stands for all of them, named by the latest: where a date says something else, the former is reversed and the whole posted anew.
# Concerned is what the date says, and what an earlier run of it posted and the date may no longer say. Each statement fills a table;
# entries_concerned names every entry that may stand for something concerned, or for a trade taken back. trades_standing_again has the
# versions of trades that an earlier run of the date took back, or booked anew, and that stand after all as a date before booked them.
CAUSES_CONCERNED = (
    "drop table if exists pg_temp.trades_standing_again, pg_temp.income_stated, pg_temp.corporate_actions_stated,"
    " pg_temp.event_cash_stated, pg_temp.entries_concerned",
    """
create temp table trades_standing_again on commit drop as
with taken_back as (
    select distinct told.trade_id, cast(told.trade_version as integer) as trade_version
    from ledger.journal_entries as entries
    cross join lateral (
        select
            substring(entries.event_id from '^TRADE:(.*):[0-9]+$') as trade_id,
            substring(entries.event_id from ':([0-9]+)$') as trade_version
    ) as told
    where entries.business_date = :business_date and entries.event_type = 'TRADE' and entries.reverses_entry_id is not null
)
select history.*
from taken_back
cross join lateral (
    select * from intermediate.int_trades__movements as movements
    where movements.trade_id = taken_back.trade_id and movements.trade_version = taken_back.trade_version
        and movements.business_date <= :business_date
    order by movements.business_date desc, movements.movement_sign desc
    limit 1
) as history
where history.movement_sign = 1 and history.business_date < :business_date
""",
    """
create temp table income_stated on commit drop as
with concerned as (
    select entitlement_id from marts.fct_income where business_date = :business_date
    union
    select split_part(event_id, ':', 2) from ledger.journal_entries
    where business_date = :business_date and event_type in ('INCOME', 'CLIENT_DUE')
)
select
    income.entitlement_id, income.book_id, income.account_id, income.instrument_id, income.currency_code,
    max(max(income.business_date) filter (where income.gross_amount <> 0 or income.withholding_amount <> 0))
        over (partition by income.entitlement_id) as entry_date,
    array_agg(income.business_date) as booked_dates,
    (array_agg(income.product_line order by income.business_date desc))[1] as product_line,
    (array_agg(income.client_id order by income.business_date desc))[1] as client_id,
    sum(income.gross_amount) as gross_amount, sum(income.gross_amount_base) as gross_amount_base,
    sum(income.withholding_amount) as withholding_amount, sum(income.withholding_amount_base) as withholding_amount_base,
    sum(income.net_amount) as net_amount, sum(income.net_amount_base) as net_amount_base
from concerned
inner join marts.fct_income as income on concerned.entitlement_id = income.entitlement_id
where income.business_date <= :business_date
group by income.entitlement_id, income.book_id, income.account_id, income.instrument_id, income.currency_code
""",
    """
create temp table corporate_actions_stated on commit drop as
with concerned as (
    select event_id, book_id, account_id, instrument_id from marts.fct_corporate_actions where business_date = :business_date
    union
    select
        split_part(substr(entries.event_id, length('CORPORATE_ACTION:') + 1),
            concat_ws(':', '', lines.book_id, lines.account_id, lines.instrument_id, ''), 1),
        lines.book_id, lines.account_id, lines.instrument_id
    from ledger.journal_entries as entries
    inner join ledger.journal_lines as lines on entries.entry_id = lines.entry_id and lines.business_date = :business_date
    where entries.business_date = :business_date and entries.event_type = 'CORPORATE_ACTION'
)
select
    actions.event_id, actions.book_id, actions.account_id, actions.instrument_id, actions.currency_code, actions.cash_currency_code,
    max(max(actions.business_date) filter (
        where actions.cash_amount <> 0 or actions.cash_amount_base <> 0
            or actions.cost_moved_amount <> 0 or actions.cost_moved_amount_base <> 0
    )) over (partition by actions.event_id, actions.book_id, actions.account_id, actions.instrument_id) as entry_date,
    array_agg(actions.business_date) as booked_dates,
    (array_agg(actions.product_line order by actions.business_date desc))[1] as product_line,
    sum(actions.cash_amount) as cash_amount, sum(actions.cash_amount_base) as cash_amount_base,
    sum(actions.cost_moved_amount) as cost_moved_amount, sum(actions.cost_moved_amount_base) as cost_moved_amount_base
from concerned
inner join marts.fct_corporate_actions as actions
    on concerned.event_id = actions.event_id and concerned.book_id = actions.book_id
    and concerned.account_id = actions.account_id and concerned.instrument_id = actions.instrument_id
where actions.business_date <= :business_date
group by actions.event_id, actions.book_id, actions.account_id, actions.instrument_id, actions.currency_code, actions.cash_currency_code
""",
    """
create temp table event_cash_stated on commit drop as
with concerned as (
    select claim_type, event_id, book_id, account_id, instrument_id from marts.fct_event_cash where business_date = :business_date
    union
    select cash.claim_type, cash.event_id, cash.book_id, cash.account_id, cash.instrument_id
    from ledger.journal_entries as entries
    inner join marts.fct_event_cash as cash
        on cash.claim_id = substr(entries.event_id, strpos(entries.event_id, ':') + 1)
        and cash.claim_type || '_CASH' = entries.event_type
    where entries.business_date = :business_date and entries.event_type in ('INCOME_CASH', 'CORPORATE_ACTION_CASH')
)
select
    cash.claim_type, cash.event_id, cash.book_id, cash.account_id, cash.instrument_id, cash.currency_code,
    (array_agg(cash.claim_id order by cash.booked_date desc, cash.claim_id))[1] as claim_id,
    array_agg(distinct cash.claim_id) as claim_ids,
    (array_agg(cash.product_line order by cash.business_date desc))[1] as product_line,
    sum(cash.cash_amount) as cash_amount
from concerned
inner join marts.fct_event_cash as cash
    on concerned.claim_type = cash.claim_type and concerned.event_id = cash.event_id and concerned.book_id = cash.book_id
    and concerned.account_id = cash.account_id and concerned.instrument_id = cash.instrument_id
where cash.business_date <= :business_date
group by cash.claim_type, cash.event_id, cash.book_id, cash.account_id, cash.instrument_id, cash.currency_code
""",
    """
create temp table entries_concerned on commit drop as
select entries.event_id
from intermediate.int_trades__movements as movements
cross join lateral (values
    ('TRADE:' || movements.trade_id || ':' || movements.trade_version),
    ('VALUE_DATE:' || concat_ws(':', movements.trade_id, movements.trade_version, 1))
) as entries (event_id)
where movements.business_date = :business_date and movements.movement_sign = -1
union
select 'MATURITY:' || concerned.trade_id || ':' || concerned.trade_version
from pg_temp.forwards_concerned as concerned
union
select entries.event_type || ':' || stated.entitlement_id || ':' || booked.business_date
from pg_temp.income_stated as stated
cross join lateral unnest(stated.booked_dates) as booked (business_date)
cross join (values ('INCOME'), ('CLIENT_DUE')) as entries (event_type)
union
select
    'CORPORATE_ACTION:'
    || concat_ws(':', stated.event_id, stated.book_id, stated.account_id, stated.instrument_id, booked.business_date)
from pg_temp.corporate_actions_stated as stated
cross join lateral unnest(stated.booked_dates) as booked (business_date)
union
select stated.claim_type || '_CASH:' || claims.claim_id
from pg_temp.event_cash_stated as stated
cross join lateral unnest(stated.claim_ids) as claims (claim_id)
""",
)

# What the prices and trades of the date brought to what is paid every day, in the currency of the instrument: the change of what the
# ledger's own units stand at, less what was traded, and with what events closed or delivered. Neither positions nor lots are read, but for
# the cost of what has no price at all.
MARGIN_EARNED = (
    "drop table if exists pg_temp.margin_earned",
    """
create temp table margin_earned on commit drop as
with parts as (
    select
        units.book_id, units.account_id, units.instrument_id,
        case when units.business_date = :business_date then 1 else -1 end * case
            when prices.price is null then lots.cost_amount
            else books.round_half_even(
                units.quantity * prices.price * instruments.contract_size / instruments.price_divisor, rates.minor_unit
            )
        end as amount
    from intermediate.int_accounting__units_carried as units
    inner join intermediate.int_reference__instruments_known as instruments
        on units.instrument_id = instruments.instrument_id and units.business_date = instruments.business_date
        and instruments.settles_daily
    inner join intermediate.int_market__closing_fx_rates as rates
        on instruments.currency_code = rates.currency_code and units.business_date = rates.business_date
    left join intermediate.int_market__closing_prices as prices
        on units.instrument_id = prices.instrument_id and units.business_date = prices.business_date
    left join intermediate.int_lots__matched as lots
        on prices.price is null and units.book_id = lots.book_id and units.account_id = lots.account_id
        and units.instrument_id = lots.instrument_id and units.business_date = lots.business_date
    where units.business_date in (
        :business_date, (select previous_business_date from books.business_days where business_date = :business_date)
    )
    union all
    select book_id, account_id, instrument_id, -gross_amount
    from intermediate.int_trades__movements
    where business_date = :business_date
    union all
    select book_id, account_id, instrument_id, value_amount
    from marts.fct_corporate_actions
    where business_date = :business_date
)
select parts.book_id, parts.account_id, parts.instrument_id, sum(parts.amount) as amount
from parts
inner join intermediate.int_reference__instruments_known as instruments
    on parts.instrument_id = instruments.instrument_id and instruments.business_date = :business_date and instruments.settles_daily
group by parts.book_id, parts.account_id, parts.instrument_id
""",
)

EVENT_AMOUNTS = f"""
create temp table event_amounts on commit drop as
with movements as (
    select * from intermediate.int_trades__movements where business_date = :business_date and movement_sign = 1
    union all
    select * from pg_temp.trades_standing_again
),
rates as (
    select * from intermediate.int_market__closing_fx_rates where business_date = :business_date
),
instruments as (
    select * from intermediate.int_reference__instruments_known where business_date = :business_date
)
select
    'TRADE:' || movements.trade_id || ':' || movements.trade_version as event_id, 'TRADE' as event_type,
    movements.product_line, amounts.amount_type, movements.book_id, movements.account_id, movements.instrument_id,
    amounts.currency_code, amounts.amount, amounts.amount_base
from movements
cross join lateral (values
    -- what is owed for it: nothing where gains are paid every day, or before the date of a currency forward
    ('gross', currency_code, -net_amount - accrued_amount - fee_amount, -net_amount_base - accrued_amount_base - fee_amount_base),
    ('accrued', currency_code, accrued_amount, accrued_amount_base),
    ('fee', currency_code, fee_amount, fee_amount_base),
    ('exchanged', exchanged_currency_code, exchanged_amount, gross_amount_base)
) as amounts (amount_type, currency_code, amount, amount_base)
where amounts.currency_code is not null
union all
select
    'VALUE_DATE:' || concat_ws(':', history.trade_id, history.trade_version, history.movement_sign), 'VALUE_DATE',
    history.product_line, amounts.amount_type, history.book_id, history.account_id, history.instrument_id,
    amounts.currency_code, amounts.amount, books.round_half_even(amounts.amount * rates.rate, rates.base_minor_unit)
from intermediate.int_trades__movements as history
inner join instruments on history.instrument_id = instruments.instrument_id
    and not instruments.is_delivered and not instruments.settles_daily
cross join lateral (values
    ('paid', history.currency_code, -history.net_amount),
    ('exchanged', history.exchanged_currency_code, history.exchanged_amount)
) as amounts (amount_type, currency_code, amount)
inner join rates on amounts.currency_code = rates.currency_code
where history.business_date <= :business_date and history.movement_sign = 1
    and greatest(history.settlement_date, history.business_date) <= :business_date
    and (
        {_falls_due("greatest(history.settlement_date, history.business_date)")}
        or exists (
            select from pg_temp.trades_standing_again as again
            where again.trade_id = history.trade_id and again.trade_version = history.trade_version
        )
    )
    -- what was taken back before it fell due is never paid
    and not exists (
        select from intermediate.int_trades__movements as taken_back
        where taken_back.trade_id = history.trade_id and taken_back.trade_version = history.trade_version
            and taken_back.movement_sign = -1 and taken_back.business_date <= :business_date
            and taken_back.business_date > history.business_date
    )
union all
select
    'MATURITY:' || forwards.trade_id || ':' || forwards.trade_version, 'MATURITY', forwards.product_line, amounts.amount_type,
    forwards.book_id, forwards.account_id, forwards.instrument_id, amounts.currency_code, amounts.amount, amounts.amount_base
from pg_temp.forwards_exchanged as forwards
cross join lateral (values
    (case when forwards.value_amount < 0 then 'liability' else 'asset' end, forwards.currency_code, forwards.value_amount,
        forwards.exchanged_amount_base - forwards.agreed_amount_base),
    ('paid', forwards.currency_code, forwards.agreed_amount, forwards.agreed_amount_base),
    ('exchanged', forwards.notional_currency_code, forwards.exchanged_amount, forwards.exchanged_amount_base)
) as amounts (amount_type, currency_code, amount, amount_base)
union all
select
    'SETTLEMENT:' || statuses.status_id, 'SETTLEMENT', instruments.product_line, 'amount', instructions.book_id,
    instructions.account_id, instructions.instrument_id, instructions.currency_code, -statuses.settled_amount,
    books.round_half_even(-statuses.settled_amount * rates.rate, rates.base_minor_unit)
from operations.settlement_statuses as statuses
inner join operations.settlement_instructions as instructions on statuses.instruction_id = instructions.instruction_id
inner join instruments on instructions.instrument_id = instruments.instrument_id
inner join rates on instructions.currency_code = rates.currency_code
where statuses.business_date = :business_date
union all
select
    'INCOME:' || income.entitlement_id || ':' || income.entry_date, 'INCOME', income.product_line, amounts.amount_type,
    income.book_id, income.account_id, income.instrument_id, income.currency_code, amounts.amount, amounts.amount_base
from pg_temp.income_stated as income
cross join lateral (values
    ('gross', gross_amount, gross_amount_base),
    ('withholding', withholding_amount, withholding_amount_base)
) as amounts (amount_type, amount, amount_base)
union all
select
    'CLIENT_DUE:' || income.entitlement_id || ':' || income.entry_date, 'CLIENT_DUE', income.product_line, 'net',
    income.book_id, income.account_id, income.instrument_id, income.currency_code, income.net_amount, income.net_amount_base
from pg_temp.income_stated as income
where income.client_id is not null
union all
select
    claims.claim_type || '_CASH:' || claims.claim_id, claims.claim_type || '_CASH', claims.product_line,
    case claims.claim_type when 'INCOME' then 'net' else 'cash' end, claims.book_id, claims.account_id, claims.instrument_id,
    claims.currency_code, claims.cash_amount, books.round_half_even(claims.cash_amount * rates.rate, rates.base_minor_unit)
from pg_temp.event_cash_stated as claims
inner join rates on claims.currency_code = rates.currency_code
union all
select
    'CORPORATE_ACTION:' || concat_ws(':', actions.event_id, actions.book_id, actions.account_id, actions.instrument_id,
        actions.entry_date),
    'CORPORATE_ACTION', actions.product_line, amounts.amount_type, actions.book_id, actions.account_id, actions.instrument_id,
    amounts.currency_code, amounts.amount, amounts.amount_base
from pg_temp.corporate_actions_stated as actions
cross join lateral (values
    ('cash', cash_currency_code, cash_amount, cash_amount_base),
    ('cost', currency_code, cost_moved_amount, cost_moved_amount_base)
) as amounts (amount_type, currency_code, amount, amount_base)
union all
select
    'VARIATION_MARGIN:' || concat_ws(':', cast(:business_date as text), earned.book_id, earned.account_id, earned.instrument_id),
    'VARIATION_MARGIN', instruments.product_line, 'margin', earned.book_id, earned.account_id, earned.instrument_id,
    instruments.currency_code, earned.amount, books.round_half_even(earned.amount * rates.rate, rates.base_minor_unit)
from pg_temp.margin_earned as earned
inner join instruments on earned.instrument_id = instruments.instrument_id
inner join rates on instruments.currency_code = rates.currency_code
union all
-- what the margin and fees of a date left to be paid
select
    'VARIATION_MARGIN_CASH:' || concat_ws(':', claims.business_date, claims.book_id, claims.account_id, claims.instrument_id),
    'VARIATION_MARGIN_CASH', claims.product_line, 'net', claims.book_id, claims.account_id, claims.instrument_id, claims.currency_code,
    claims.amount, books.round_half_even(claims.amount * rates.rate, rates.base_minor_unit)
from (
    select opening.*, instruments.product_line, days.previous_business_date as business_date
    from ({{opening}}) as opening
    inner join books.business_days as days on days.business_date = :business_date
    inner join instruments on opening.instrument_id = instruments.instrument_id
    inner join pg_temp.posting_rules as rules
        on instruments.product_line = rules.product_line and rules.event_type = 'VARIATION_MARGIN_CASH'
        and opening.gl_account = rules.credit
) as claims
inner join rates on claims.currency_code = rates.currency_code
union all
select
    'PAYMENT:' || payments.payment_id, 'PAYMENT', instruments.product_line, 'net', payments.book_id, payments.account_id,
    payments.instrument_id, payments.currency_code, payments.amount,
    books.round_half_even(payments.amount * rates.rate, rates.base_minor_unit)
from operations.payment_releases as releases
inner join operations.payments as payments on releases.payment_id = payments.payment_id
inner join instruments on payments.instrument_id = instruments.instrument_id
inner join rates on payments.currency_code = rates.currency_code
where releases.business_date = :business_date
"""

# What the ledger must gain or lose for its balances to stand at today's value: the effect of the currency on what was held
# at the opening, and the rest. What it holds it knows from the trades and events it has posted, and values at the closing prices itself:
# positions are not read, here or above, nor lots but for the cost of what has no price, so an error in those is open in the bridge. The
# valuation entries of the date itself are left out of the balances it starts from.
VALUATION_AMOUNTS = """
create temp table event_amounts on commit drop as
with rates as (
    select * from intermediate.int_market__closing_fx_rates where business_date = :business_date
),
chart as (
    select distinct on (gl_account) gl_account, is_monetary from books.ledger_accounts order by gl_account, revision desc
),
opening as ({opening}),
moved as (
    select lines.book_id, lines.account_id, lines.instrument_id, lines.gl_account, lines.currency_code, lines.amount, lines.amount_base
    from ledger.journal_lines as lines
    inner join ledger.journal_entries as entries on lines.entry_id = entries.entry_id
    where lines.business_date = :business_date and entries.event_type <> 'REVALUATION'
),
balances as (
    select
        book_id, account_id, instrument_id, gl_account, currency_code,
        sum(opening_amount) as opening_amount, sum(opening_amount_base) as opening_amount_base,
        sum(amount) as amount, sum(amount_base) as amount_base
    from (
        select *, amount as opening_amount, amount_base as opening_amount_base from opening
        union all
        select *, 0, 0 from moved
    ) as parts
    group by book_id, account_id, instrument_id, gl_account, currency_code
),
worth as (
    select
        units.book_id, units.account_id, units.instrument_id, instruments.currency_code, instruments.product_line,
        case
            -- what is paid every day leaves no value behind
            when instruments.settles_daily then 0
            -- without a rate or a discount factor, a currency forward stands at nothing
            when instruments.exchanges_at_maturity and (prices.price is null or forwards.discount_factor is null) then 0
            when instruments.exchanges_at_maturity then books.round_half_even(
                (units.quantity * prices.price * instruments.contract_size / instruments.price_divisor - units.agreed_amount)
                    * forwards.discount_factor,
                rates.minor_unit
            )
            -- without any price, what is held stands at its cost
            when prices.price is null then lots.cost_amount
            else books.round_half_even(
                units.quantity * prices.price * instruments.contract_size / instruments.price_divisor, rates.minor_unit
            )
        end as value_amount,
        instruments.exchanges_at_maturity as is_forward,
        books.round_half_even(units.quantity * accruals.accrued_percent / 100, rates.minor_unit) as accrued_amount,
        rates.rate, rates.base_minor_unit
    from intermediate.int_accounting__units_carried as units
    inner join intermediate.int_reference__instruments_known as instruments
        on units.instrument_id = instruments.instrument_id and instruments.business_date = :business_date
    inner join rates on instruments.currency_code = rates.currency_code
    left join intermediate.int_market__closing_prices as prices
        on units.instrument_id = prices.instrument_id and prices.business_date = :business_date
    left join intermediate.int_market__forwards as forwards
        on instruments.exchanges_at_maturity and units.instrument_id = forwards.instrument_id
        and forwards.business_date = :business_date
    left join intermediate.int_lots__matched as lots
        on prices.price is null and units.book_id = lots.book_id and units.account_id = lots.account_id
        and units.instrument_id = lots.instrument_id and lots.business_date = :business_date
    left join staging.stg_books__bond_accruals as accruals
        on instruments.accrues_interest and units.instrument_id = accruals.instrument_id
        and instruments.terms_sha = accruals.terms_sha and instruments.standard_settlement_date = accruals.accrual_date
    where units.business_date = :business_date
),
targets as (
    select
        worth.book_id, worth.account_id, worth.instrument_id, worth.currency_code, worth.product_line, held.gl_account, held.amount,
        books.round_half_even(held.amount * worth.rate, worth.base_minor_unit) as amount_base
    from worth
    cross join lateral (values
        ('securities', value_amount, not is_forward),
        ('accrued_interest', accrued_amount, not is_forward),
        ('derivative_assets', greatest(value_amount, 0), is_forward),
        ('derivative_liabilities', least(value_amount, 0), is_forward)
    ) as held (gl_account, amount, is_used)
    where held.is_used
),
valued as (
    select
        coalesce(targets.book_id, balances.book_id) as book_id,
        coalesce(targets.account_id, balances.account_id) as account_id,
        coalesce(targets.instrument_id, balances.instrument_id) as instrument_id,
        coalesce(targets.currency_code, balances.currency_code) as currency_code,
        coalesce(targets.product_line, instruments.product_line) as product_line,
        coalesce(targets.gl_account, balances.gl_account) as gl_account,
        coalesce(targets.amount, 0) - coalesce(balances.amount, 0) as amount,
        coalesce(targets.amount_base, 0) - coalesce(balances.amount_base, 0) as amount_base,
        books.round_half_even(coalesce(balances.opening_amount, 0) * rates.rate, rates.base_minor_unit)
            - coalesce(balances.opening_amount_base, 0) as fx_amount_base
    from targets
    full outer join (
        select * from balances
        where gl_account in ('securities', 'accrued_interest', 'derivative_assets', 'derivative_liabilities')
    ) as balances
        on targets.book_id = balances.book_id and targets.account_id = balances.account_id
        and targets.instrument_id = balances.instrument_id and targets.gl_account = balances.gl_account
        and targets.currency_code = balances.currency_code
    inner join intermediate.int_reference__instruments_known as instruments
        on coalesce(targets.instrument_id, balances.instrument_id) = instruments.instrument_id
        and instruments.business_date = :business_date
    inner join rates on coalesce(targets.currency_code, balances.currency_code) = rates.currency_code
),
monetary as (
    select
        balances.book_id, balances.currency_code,
        books.round_half_even(sum(balances.amount) * rates.rate, rates.base_minor_unit) - sum(balances.amount_base) as amount_base
    from balances
    inner join rates on balances.currency_code = rates.currency_code
    inner join chart on balances.gl_account = chart.gl_account and chart.is_monetary
    group by balances.book_id, balances.currency_code, rates.rate, rates.base_minor_unit
)
select
    'REVALUATION:' || cast(:business_date as text) || ':' || book_id || ':' || account_id || ':' || instrument_id as event_id,
    'REVALUATION' as event_type, product_line, amounts.amount_type, book_id, account_id, instrument_id, currency_code,
    amounts.amount, amounts.amount_base
from valued
cross join lateral (values
    (
        case gl_account
            when 'securities' then 'trading' when 'accrued_interest' then 'accrual' when 'derivative_assets' then 'trading_assets'
            when 'derivative_liabilities' then 'trading_liabilities'
        end,
        amount, amount_base - fx_amount_base
    ),
    (
        case gl_account
            when 'securities' then 'fx_securities' when 'accrued_interest' then 'fx_accrued' when 'derivative_assets' then 'fx_assets'
            when 'derivative_liabilities' then 'fx_liabilities'
        end,
        0, fx_amount_base
    )
) as amounts (amount_type, amount, amount_base)
union all
select
    'REVALUATION:' || cast(:business_date as text) || ':' || book_id || ':CASH:' || currency_code, 'REVALUATION', 'cash', 'fx_monetary',
    book_id, '', 'CASH:' || currency_code, currency_code, 0, amount_base
from monetary
"""

OPENING_BALANCES = """
    select book_id, account_id, instrument_id, gl_account, currency_code, balance_amount as amount, balance_amount_base as amount_base
    from intermediate.int_accounting__balances_carried
    where business_date = (select previous_business_date from books.business_days where business_date = :business_date)
"""

# On the firm's first day nothing is carried, and dbt has not made the table yet.
NO_BALANCES = """
    select book_id, account_id, instrument_id, gl_account, currency_code, amount, amount_base from ledger.journal_lines where false
"""
