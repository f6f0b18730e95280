"""Prepares what the middle office values with: settlement dates, exchange rates of trades, coupons and accrued interest."""

from collections import defaultdict
from datetime import date, timedelta

import sqlalchemy
from sqlalchemy import text

from posttrade.domain.calendars import sessions_between
from posttrade.domain.settlement_cycles import settlement_date
from posttrade.domain.spot_dates import spot_date
from posttrade.offices.bonds import prepare_bonds
from posttrade.offices.facts_known import INSTRUMENTS_KNOWN, TRADES_TOUCHED
from posttrade.offices.published_procedures import publish_procedures
from posttrade.offices.trades_without_terms import MissingTerms, hold_trades
from posttrade.procedures.schema import load_settlement_cycles, load_spot_rules, procedures_in_force
from posttrade.records.book_states import Step, note_state
from posttrade.records.database import insert_missing

# As far back as the income models look for coupons, with the longest cycle and a week of holidays on top.
DAYS_BEFORE = timedelta(days=60)


def prepare_terms(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Work out the settlement dates, coupons and accruals that the date's trades and positions need and nobody has yet.

    What cannot be worked out stops nothing else: trades that need it stay out of the books until it can, and controls tell of them and
    of what is held.

    Returns:
        New `settlement_dates`, `coupons` and `accruals`; `unusable`: markets and bonds left out; trade versions that are `held`
        because a term is missing, and those whose terms were `found`.
    """
    publish_procedures(engine)
    with engine.begin() as connection:
        note_state(connection, business_date, Step.TERMS)
    missing = MissingTerms()
    with engine.begin() as connection:
        missing.rates = _currencies_without_rate(connection, business_date)
        dates = _prepare_settlement_dates(connection, business_date, missing) + _prepare_spot_dates(connection, business_date, missing)
        new_coupons, new_accruals, unusable_bonds = prepare_bonds(connection, business_date, missing)
        trades = hold_trades(connection, business_date, missing)
    return {
        "settlement_dates": dates,
        "coupons": new_coupons,
        "accruals": new_accruals,
        "unusable": len(missing.markets) + unusable_bonds,
    } | trades


def _prepare_settlement_dates(connection: sqlalchemy.Connection, business_date: date, missing: MissingTerms) -> int:
    markets = load_settlement_cycles()
    needed: dict[str, set[date]] = defaultdict(set)
    traded: dict[str, set[date]] = {}
    for market_mic, trade_dates in connection.execute(text(MARKETS_AND_TRADE_DATES), {"business_date": business_date}):
        if market_mic not in markets:
            missing.markets[market_mic] = f"how the market {market_mic} settles is unknown"
            continue
        # Every session before the date or since the oldest trade, not only the traded ones: the ex dates of coupons are found among them.
        first = min([business_date - DAYS_BEFORE, *trade_dates])
        needed[market_mic] = {*sessions_between(market_mic, first, business_date), business_date, *trade_dates}
        traded[market_mic] = set(trade_dates)
    known = {tuple(row) for row in connection.execute(text(SETTLEMENT_DATES_KNOWN), {"markets": list(needed)})}
    rows = []
    for market_mic, dates in needed.items():
        for trade_date in sorted(dates):
            if (market_mic, trade_date) in known:
                continue
            try:
                rows.append((market_mic, trade_date, settlement_date(market_mic, markets[market_mic], trade_date)))
            except ValueError as error:
                if trade_date in traded[market_mic]:
                    reason = f"the settlement date of a trade of {trade_date} in the market {market_mic} is unknown: {error}"
                    missing.settlement_dates[market_mic, trade_date] = reason
    columns = "books.settlement_cycles (market_mic, trade_date, settlement_date)"
    return insert_missing(connection, columns, ("text", "date", "date"), rows)


def _prepare_spot_dates(connection: sqlalchemy.Connection, business_date: date, missing: MissingTerms) -> int:
    lines = [name for name, one in procedures_in_force(business_date).items() if one.settlement.exchanges_currencies]
    rows = []
    for pair in connection.execute(text(SPOT_DATES_NEEDED), {"business_date": business_date, "lines": lines}):
        try:
            day = spot_date(load_spot_rules(), pair.currency_code, pair.notional_currency_code, pair.trade_date)
            rows.append((pair.currency_code, pair.notional_currency_code, pair.trade_date, day))
        except ValueError as error:
            reason = f"it states no settlement date, and {error}"
            missing.spot_dates[pair.currency_code, pair.notional_currency_code, pair.trade_date] = reason
    columns = "books.spot_dates (currency_code, notional_currency_code, trade_date, spot_date)"
    return insert_missing(connection, columns, ("text", "text", "date", "date"), rows)


def _currencies_without_rate(connection: sqlalchemy.Connection, business_date: date) -> dict[str, str]:
    found = connection.execute(text(CURRENCIES_WITHOUT_RATE), {"business_date": business_date})
    return {one.currency_code: f"no exchange rate of {one.currency_code} to {one.base_currency_code} is known" for one in found}


# As in int_market__closing_fx_rates, where trades and positions take their rates from.
CURRENCIES_WITHOUT_RATE = f"""
with firm as (
    select base_currency_code from books.firms where business_date <= :business_date order by business_date desc, revision desc limit 1
),
used as (
    select currency_code from ({INSTRUMENTS_KNOWN}) as instruments
    union
    select notional_currency_code from ({INSTRUMENTS_KNOWN}) as instruments where notional_currency_code is not null
)
select used.currency_code, firm.base_currency_code
from used cross join firm
where used.currency_code <> firm.base_currency_code and not exists (
    select from books.fx_rates as rates
    where rates.currency_code = used.currency_code and rates.base_currency_code = firm.base_currency_code
        and rates.business_date <= :business_date and rates.rate_date <= :business_date
)
"""

SPOT_DATES_NEEDED = f"""
with instruments as ({INSTRUMENTS_KNOWN}),
touched as ({TRADES_TOUCHED})
select distinct instruments.currency_code, instruments.notional_currency_code, trades.trade_date
from instruments
inner join books.trade_versions as trades on instruments.instrument_id = trades.instrument_id
inner join touched on trades.trade_id = touched.trade_id
left join books.spot_dates as known
    on instruments.currency_code = known.currency_code and instruments.notional_currency_code = known.notional_currency_code
    and trades.trade_date = known.trade_date
where instruments.product_line = any(:lines) and trades.settlement_date is null and trades.trade_date is not null
    and known.trade_date is null
-- two runs at once must take the keys in one order, or they wait for each other
order by instruments.currency_code, instruments.notional_currency_code, trades.trade_date
"""

# Every version of a trade that the date touches or releases, or that waits for its terms: another one may have been known under another
# market.
MARKETS_AND_TRADE_DATES = f"""
with instruments as ({INSTRUMENTS_KNOWN}),
touched as ({TRADES_TOUCHED})
select
    instruments.market_mic,
    coalesce(array_agg(distinct trades.trade_date) filter (where trades.trade_date is not null), '{{}}') as trade_dates
from instruments
left join (touched inner join books.trade_versions as trades on touched.trade_id = trades.trade_id)
    on instruments.instrument_id = trades.instrument_id
group by instruments.market_mic
order by instruments.market_mic
"""

SETTLEMENT_DATES_KNOWN = """
select market_mic, trade_date from books.settlement_cycles where market_mic = any(:markets)
"""
