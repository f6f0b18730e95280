"""The dates of the instruments that trades name: when they are repaid or expire, from which trade date on they are traded no more, and
which coupon or repayment a trade settles after although others of its day settle before."""

from datetime import date
from typing import Any

import psycopg
import sqlalchemy

from posttrade.domain.settlement_cycles import settlement_date
from posttrade.procedures.schema import load_settlement_cycles, procedures_in_force
from posttrade.records.facts_known import INSTRUMENTS_KNOWN
from posttrade.records.stated_terms import terms_stated

LONGEST_CYCLE_DAYS = 40
"""Calendar days; no market takes longer from trade to settlement."""
LONGEST_MOVE_DAYS = 20
"""Calendar days; no calendar is closed for longer, so that no convention moves a date further."""


def gather_ends(connection: sqlalchemy.Connection, business_date: date) -> None:
    """Put the dates of the trades in `pg_temp.parsed` that come after the ends known on the business date into temporary tables.

    The day an instrument is repaid is that of its last redemption, as its interest periods have it: what they are recorded by
    (posttrade.offices.bonds) says it here, before they are. An instrument goes without its repayment from the first trade date whose
    standard settlement date is the day it is repaid or a later one, as in int_corporate_actions__terms_known: what is traded then or later
    is repaid by nothing. `pg_temp.traded_no_more` has the trade dates of the file that come too late for it, `pg_temp.settled_no_more` the
    settlement dates stated that are not before the repayment, and `pg_temp.traded_expired` the trade dates after an expiry; each with the
    instrument. `pg_temp.settled_after_payment` is about coupons and repayments in parts (`_gather_settled_apart`).
    """
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    cursor = driver.cursor()
    lines = [name for name, one in procedures_in_force(business_date).items() if one.bond]
    parameters = {
        "business_date": business_date,
        "lines": lines,
        "longest": LONGEST_CYCLE_DAYS,
        "near": LONGEST_CYCLE_DAYS + LONGEST_MOVE_DAYS,
    }
    cursor.execute("drop table if exists pg_temp.repaid, pg_temp.traded_no_more, pg_temp.settled_no_more, pg_temp.traded_expired")
    cursor.execute("create temp table repaid (instrument_id text, market_mic text, repaid_date date) on commit drop")
    cursor.execute(TRADED_NEAR_THEIR_END, parameters)
    near = [instrument_id for (instrument_id,) in cursor.fetchall()]
    ends = [(one.instrument_id, one.bond.market_mic, one.end_date) for one in terms_stated(connection, business_date, near)] if near else []
    cursor.executemany("insert into pg_temp.repaid values (%s, %s, %s)", [one for one in ends if one[2] is not None])
    cursor.execute(TRADED_EXPIRED, parameters)
    cursor.execute(SETTLED_NO_MORE)
    cursor.execute("create temp table traded_no_more (instrument_id text, trade_date date) on commit drop")
    cursor.execute(TRADES_NEAR_REPAYMENT, parameters)
    late = [
        (instrument_id, trade_date)
        for instrument_id, market_mic, trade_date, repaid_date in cursor.fetchall()
        if trade_date >= repaid_date or (_settlement_date(market_mic, trade_date) or trade_date) >= repaid_date
    ]
    cursor.executemany("insert into pg_temp.traded_no_more values (%s, %s)", late)
    _gather_settled_apart(connection, business_date, cursor, lines)


def _gather_settled_apart(connection: sqlalchemy.Connection, business_date: date, cursor: psycopg.Cursor[Any], lines: list[str]) -> None:
    """Put into `pg_temp.settled_after_payment` the trade and settlement dates stated between which a bond pays interest or nominal that its
    market's own settlement still brings: a position is valued, and repaid in parts, as its market settles (fct_positions,
    int_corporate_actions__terms_known), and would be taken to be paid what the buyer is not.
    """
    cursor.execute("drop table if exists pg_temp.settled_after_payment")
    cursor.execute("create temp table settled_after_payment (instrument_id text, trade_date date, settlement_date date) on commit drop")
    cursor.execute(TRADES_SETTLED_APART, {"lines": lines, "business_date": business_date})
    stated = cursor.fetchall()
    standard_dates = {dealt: _settlement_date(*dealt) for dealt in {(market_mic, trade_date) for _, market_mic, trade_date, _ in stated}}
    apart = [
        (instrument_id, trade_date, stated_date, standard_date)
        for instrument_id, market_mic, trade_date, stated_date in stated
        if (standard_date := standard_dates[market_mic, trade_date]) and standard_date < stated_date
    ]
    if not apart:
        return
    terms = terms_stated(connection, business_date, {instrument_id for instrument_id, *_ in apart})
    dates_gone_ex = {one.instrument_id: one.dates_gone_ex for one in terms}
    cursor.executemany(
        "insert into pg_temp.settled_after_payment values (%s, %s, %s)",
        [
            (instrument_id, trade_date, stated_date)
            for instrument_id, trade_date, stated_date, standard_date in apart
            if any(standard_date < day <= stated_date for day in dates_gone_ex.get(instrument_id, ()))
        ],
    )


def _settlement_date(market_mic: str, trade_date: date) -> date | None:
    """None where nobody knows how the market settles on the date: such a trade waits for its terms, and a control asks for its end."""
    market = load_settlement_cycles().get(market_mic)
    if market is None:
        return None
    try:
        return settlement_date(market_mic, market, trade_date)
    except ValueError:
        return None


# What is no date is rejected for it.
_TRADED = """
    (
        select
            instrument_id,
            case when pg_input_is_valid(trade_date, 'date') then trade_date::date end as trade_date,
            case when pg_input_is_valid(settlement_date, 'date') then settlement_date::date end as settlement_date
        from pg_temp.parsed
    )
"""

TRADED_EXPIRED = f"""
create temp table traded_expired on commit drop as
select distinct traded.instrument_id, traded.trade_date
from ({INSTRUMENTS_KNOWN}) as known
inner join {_TRADED} as traded on known.instrument_id = traded.instrument_id and traded.trade_date > known.expiry_date
"""

SETTLED_NO_MORE = f"""
create temp table settled_no_more on commit drop as
select distinct traded.instrument_id, traded.settlement_date
from pg_temp.repaid as repaid
inner join {_TRADED} as traded on repaid.instrument_id = traded.instrument_id and traded.settlement_date >= repaid.repaid_date
"""

TRADES_SETTLED_APART = f"""
select distinct known.instrument_id, known.market_mic, traded.trade_date, traded.settlement_date
from ({INSTRUMENTS_KNOWN}) as known
inner join {_TRADED} as traded on known.instrument_id = traded.instrument_id and traded.settlement_date > traded.trade_date
where known.product_line = any(%(lines)s)
"""

# Repaid in parts, it may have nothing left before its maturity; without a maturity it may have been told to end on any day.
TRADED_NEAR_THEIR_END = f"""
select distinct known.instrument_id
from ({INSTRUMENTS_KNOWN}) as known
inner join {_TRADED} as traded on known.instrument_id = traded.instrument_id
where known.product_line = any(%(lines)s) and greatest(traded.trade_date, traded.settlement_date) >= coalesce(
    least(
        known.maturity_date,
        (select min(plan.repayment_date) from books.bond_repayments as plan where plan.instrument_id = known.instrument_id)
    ),
    '-infinity'
) - %(near)s
"""

TRADES_NEAR_REPAYMENT = f"""
select distinct repaid.instrument_id, repaid.market_mic, traded.trade_date, repaid.repaid_date
from pg_temp.repaid as repaid
inner join {_TRADED} as traded on repaid.instrument_id = traded.instrument_id
where repaid.repaid_date <= %(business_date)s::date + %(longest)s and traded.trade_date >= repaid.repaid_date - %(longest)s
"""
