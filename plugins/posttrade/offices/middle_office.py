"""Prepares what the middle office values with: procedures, settlement dates, coupons and accrued interest."""

from collections import defaultdict
from datetime import date, timedelta

import sqlalchemy
from sqlalchemy import text

from posttrade.domain.calendars import sessions_between
from posttrade.domain.money import currencies
from posttrade.domain.settlement_cycles import settlement_date
from posttrade.domain.spot_dates import spot_date
from posttrade.offices.bonds import INSTRUMENTS_KNOWN, prepare_bonds
from posttrade.offices.trades_without_terms import MissingTerms, hold_trades
from posttrade.procedures.schema import (
    load_chart_of_accounts,
    load_procedures,
    load_settlement_cycles,
    load_spot_rules,
    procedures_in_force,
)
from posttrade.records.book_states import Step, note_state
from posttrade.records.database import insert_missing

# As far back as the income models look for coupons, with the longest cycle and a week of holidays on top.
DAYS_BEFORE = timedelta(days=60)


def publish_procedures(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:  # noqa: ARG001 - an office function
    """Record the currencies of ISO 4217, what the procedures say about each product line, and the chart of accounts."""
    with engine.begin() as connection:
        published = insert_missing(
            connection, "books.currencies (currency_code, minor_unit)", ("text", "integer"), list(currencies().items())
        )
        lines = [
            (
                one.product_line,
                one.valid_from,
                one.name,
                one.valuation.price_divisor,
                one.valuation.accrues_interest,
                one.checks.stale_after_business_days,
                one.checks.outlier_move,
                one.lots.method,
                one.settlement.settles_daily,
                one.settlement.is_delivered,
                one.settlement.exchanges_currencies,
                one.settlement.exchanges_at_maturity,
                one.valuation.fixed_price,
                one.content_sha,
            )
            for one in load_procedures()
        ]
        published_lines = insert_missing(
            connection,
            "books.product_lines (product_line, valid_from, name, price_divisor, accrues_interest, stale_after_business_days,"
            " outlier_move, lot_method, settles_daily, is_delivered, exchanges_currencies, exchanges_at_maturity, fixed_price,"
            " content_sha)",
            (
                *("text", "date", "text", "numeric", "boolean", "integer", "numeric", "text"),
                *("boolean", "boolean", "boolean", "boolean", "numeric", "text"),
            ),
            lines,
        )
        published_accounts = _publish_chart_of_accounts(connection)
    return {"currencies": published, "product_lines": published_lines, "ledger_accounts": published_accounts}


def _publish_chart_of_accounts(connection: sqlalchemy.Connection) -> int:
    """An account that is new, or says something else than before, is recorded as its next revision."""
    chart = load_chart_of_accounts()
    return connection.execute(
        text(PUBLISH_LEDGER_ACCOUNTS),
        {
            "gl_accounts": list(chart),
            "names": [account.name for account in chart.values()],
            "account_types": [account.type.upper() for account in chart.values()],
            "are_monetary": [account.is_monetary for account in chart.values()],
            "components": [account.component for account in chart.values()],
        },
    ).rowcount


def prepare_terms(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Work out the settlement dates, coupons and accruals that the date's trades and positions need and nobody has yet.

    What cannot be worked out stops nothing else: trades that need it stay out of the books until it can, and controls tell of them and
    of what is held.

    Returns:
        New `settlement_dates`, `coupons` and `accruals`; `unusable`: markets and bonds left out; trade versions that are `held`
        because a term is missing, and those whose terms were `found`.
    """
    publish_procedures(business_date, engine)
    with engine.begin() as connection:
        note_state(connection, business_date, Step.TERMS)
    missing = MissingTerms()
    with engine.begin() as connection:
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


PUBLISH_LEDGER_ACCOUNTS = """
with latest as (
    select distinct on (gl_account) *
    from books.ledger_accounts
    order by gl_account, revision desc
)
insert into books.ledger_accounts (gl_account, revision, name, account_type, is_monetary, result_component)
select given.gl_account, coalesce(latest.revision, 0) + 1, given.name, given.account_type, given.is_monetary,
    given.result_component
from unnest(
    cast(:gl_accounts as text[]), cast(:names as text[]), cast(:account_types as text[]), cast(:are_monetary as boolean[]),
    cast(:components as text[])
) as given (gl_account, name, account_type, is_monetary, result_component)
left join latest on given.gl_account = latest.gl_account
where (latest.name, latest.account_type, latest.is_monetary, latest.result_component)
    is distinct from (given.name, given.account_type, given.is_monetary, given.result_component)
on conflict do nothing
"""

SPOT_DATES_NEEDED = f"""
with instruments as ({INSTRUMENTS_KNOWN}),
touched as (
    select trade_id from books.trade_versions where business_date = :business_date
    union
    select trade_id from operations.trade_releases where business_date = :business_date
    union
    select trade_id from books.trades_held_for_terms
    where business_date <= :business_date and coalesce(found_date >= :business_date, true)
)
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
touched as (
    select trade_id from books.trade_versions where business_date = :business_date
    union
    select trade_id from operations.trade_releases where business_date = :business_date
    union
    select trade_id from books.trades_held_for_terms
    where business_date <= :business_date and coalesce(found_date >= :business_date, true)
)
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
