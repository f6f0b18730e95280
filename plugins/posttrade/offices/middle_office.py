"""Prepares what the middle office values with: procedures, settlement dates, coupons and accrued interest."""

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.domain.bonds import FixedRateBond, accrued_percents, coupons
from posttrade.domain.calendars import sessions_between
from posttrade.domain.money import currencies
from posttrade.domain.settlement_cycles import settlement_date
from posttrade.errors import PosttradeError
from posttrade.procedures.schema import load_chart_of_accounts, load_procedures, load_settlement_cycles

# As far back as the income models look for coupons, with the longest cycle and a week of holidays on top.
DAYS_BEFORE = timedelta(days=60)


def publish_procedures(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:  # noqa: ARG001 - an office function
    """Record the currencies of ISO 4217, what the procedures say about each product line, and the chart of accounts."""
    with engine.begin() as connection:
        published = _insert(connection, "books.currencies (currency_code, minor_unit)", ("text", "integer"), list(currencies().items()))
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
                one.content_sha,
            )
            for one in load_procedures()
        ]
        published_lines = _insert(
            connection,
            "books.product_lines (product_line, valid_from, name, price_divisor, accrues_interest, stale_after_business_days,"
            " outlier_move, lot_method, content_sha)",
            ("text", "date", "text", "numeric", "boolean", "integer", "numeric", "text", "text"),
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
        },
    ).rowcount


def prepare_terms(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Work out the settlement dates, coupons and accruals that the date's trades and positions need and nobody has yet.

    Terms that cannot be worked out stop the day only where a trade of the date needs them.

    Returns:
        New `settlement_dates`, `coupons` and `accruals`; `unusable`: markets and bonds left out, which nobody traded.

    Raises:
        PosttradeError: a traded market has no settlement cycle, or the terms of a traded bond contradict each other.
    """
    publish_procedures(business_date, engine)
    with engine.begin() as connection:
        dates, unusable_markets = _prepare_settlement_dates(connection, business_date)
        bonds, new_coupons, unusable_bonds = _prepare_coupons(connection, business_date)
        new_accruals = _prepare_accruals(connection, bonds, business_date)
    return {
        "settlement_dates": dates,
        "coupons": new_coupons,
        "accruals": new_accruals,
        "unusable": unusable_markets + unusable_bonds,
    }


def _prepare_settlement_dates(connection: sqlalchemy.Connection, business_date: date) -> tuple[int, int]:
    markets = load_settlement_cycles()
    first = business_date - DAYS_BEFORE
    needed: dict[str, set[date]] = defaultdict(set)
    unusable = 0
    for market_mic, trade_dates in connection.execute(text(MARKETS_AND_TRADE_DATES), {"business_date": business_date}):
        if market_mic not in markets:
            if trade_dates:
                raise PosttradeError(
                    f"Trades of {business_date} are in the market {market_mic!r}, whose settlement is unknown.",
                    "Correct market_mic in instruments.csv, or add the market to procedures/settlement_cycles.yaml.",
                )
            unusable += 1
            continue
        # Every session before the date, not only the traded ones: the ex date of a coupon is found among them.
        needed[market_mic] = {*sessions_between(market_mic, first, business_date), business_date, *trade_dates}
    known = {tuple(row) for row in connection.execute(text(SETTLEMENT_DATES_KNOWN), {"markets": list(needed)})}
    rows = []
    for market_mic, dates in needed.items():
        for trade_date in sorted(dates):
            if (market_mic, trade_date) in known:
                continue
            try:
                rows.append((market_mic, trade_date, settlement_date(market_mic, markets[market_mic], trade_date)))
            except ValueError as error:
                raise PosttradeError(
                    f"The settlement date of a trade of {trade_date} in the market {market_mic} is unknown: {error}.",
                    "Correct the trade date, or add the market's cycle to procedures/settlement_cycles.yaml.",
                ) from error
    columns = "books.settlement_cycles (market_mic, trade_date, settlement_date)"
    return _insert(connection, columns, ("text", "date", "date"), rows), unusable


def _prepare_coupons(connection: sqlalchemy.Connection, business_date: date) -> tuple[dict[tuple[str, str], FixedRateBond], int, int]:
    """The bonds known on the date by id and terms, the number of coupons recorded now, and that of unusable bonds."""
    markets = load_settlement_cycles()
    bonds: dict[tuple[str, str], FixedRateBond] = {}
    rows: list[tuple[Any, ...]] = []
    unusable = 0
    for row in connection.execute(text(BONDS_KNOWN), {"business_date": business_date}):
        if row.market_mic not in markets:
            unusable += 1
            continue
        key = (row.instrument_id, row.content_sha)
        try:
            bond = FixedRateBond(
                row.coupon_rate,
                row.coupon_frequency,
                row.day_count,
                row.issue_date,
                row.first_coupon_date,
                row.maturity_date,
                row.market_mic,
            )
            new_coupons = [] if row.has_coupons else coupons(bond)
        except ValueError as error:
            if row.is_traded:
                raise PosttradeError(
                    f"The terms of the bond {row.instrument_id}, traded on {business_date}, cannot be used: {error}.",
                    "Send a corrected row in instruments.csv.",
                ) from error
            unusable += 1
            continue
        bonds[key] = bond
        rows.extend(
            (
                *key,
                coupon.coupon_date,
                coupon.period_start_date,
                coupon.pay_date,
                coupon.coupon_percent,
                coupon.redemption_percent,
            )
            for coupon in new_coupons
        )
    recorded = _insert(
        connection,
        "books.bond_coupons (instrument_id, terms_sha, coupon_date, period_start_date, pay_date, coupon_percent, redemption_percent)",
        ("text", "text", "date", "date", "date", "numeric", "numeric"),
        rows,
    )
    return bonds, recorded, unusable


def _prepare_accruals(connection: sqlalchemy.Connection, bonds: dict[tuple[str, str], FixedRateBond], business_date: date) -> int:
    needed: dict[tuple[str, str], list[date]] = defaultdict(list)
    for row in connection.execute(text(ACCRUALS_NEEDED), {"business_date": business_date}):
        if (row.instrument_id, row.content_sha) in bonds:
            needed[row.instrument_id, row.content_sha].append(row.accrual_date)
    rows = [
        (*key, accrual_date, percent)
        for key, dates in needed.items()
        for accrual_date, percent in accrued_percents(bonds[key], dates).items()
    ]
    return _insert(
        connection,
        "books.bond_accruals (instrument_id, terms_sha, accrual_date, accrued_percent)",
        ("text", "text", "date", "numeric"),
        rows,
    )


def _insert(connection: sqlalchemy.Connection, target: str, types: tuple[str, ...], rows: list[tuple[Any, ...]]) -> int:
    """Insert the rows that are not there yet; gives their number."""
    if not rows:
        return 0
    arrays = ", ".join(f"cast(:c{number} as {kind}[])" for number, kind in enumerate(types))
    values = {f"c{number}": list(column) for number, column in enumerate(zip(*rows, strict=True))}
    return connection.execute(text(f"insert into {target} select * from unnest({arrays}) on conflict do nothing"), values).rowcount


PUBLISH_LEDGER_ACCOUNTS = """
with latest as (
    select distinct on (gl_account) *
    from books.ledger_accounts
    order by gl_account, revision desc
)
insert into books.ledger_accounts (gl_account, revision, name, account_type, is_monetary)
select given.gl_account, coalesce(latest.revision, 0) + 1, given.name, given.account_type, given.is_monetary
from unnest(
    cast(:gl_accounts as text[]), cast(:names as text[]), cast(:account_types as text[]), cast(:are_monetary as boolean[])
) as given (gl_account, name, account_type, is_monetary)
left join latest on given.gl_account = latest.gl_account
where (latest.name, latest.account_type, latest.is_monetary) is distinct from (given.name, given.account_type, given.is_monetary)
on conflict do nothing
"""

INSTRUMENTS_KNOWN = """
    select distinct on (instrument_id) *
    from books.instruments where business_date <= :business_date
    order by instrument_id, business_date desc, revision desc
"""

# Every version of a trade that the date touches or releases: another one may have been known under another market.
MARKETS_AND_TRADE_DATES = f"""
with instruments as ({INSTRUMENTS_KNOWN}),
touched as (
    select trade_id from books.trade_versions where business_date = :business_date
    union
    select trade_id from operations.trade_releases where business_date = :business_date
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

BONDS_KNOWN = f"""
with instruments as ({INSTRUMENTS_KNOWN})
select
    instruments.*,
    exists (
        select from books.trade_versions as trades
        where trades.business_date = :business_date and trades.instrument_id = instruments.instrument_id
    ) as is_traded,
    exists (
        select from books.bond_coupons as coupons
        where coupons.instrument_id = instruments.instrument_id and coupons.terms_sha = instruments.content_sha
    ) as has_coupons
from instruments
where instruments.product_line in (select product_line from books.product_lines where accrues_interest)
order by instruments.instrument_id
"""

# The settlement dates of the day's trades, also of those whose turn comes today because their original arrived,
# and the standard settlement date of a trade made today, which is what a position is valued with; that of the closed dates since
# the trade too, whose figures it changes.
ACCRUALS_NEEDED = f"""
with instruments as ({INSTRUMENTS_KNOWN}),
bonds as (
    select * from instruments
    where product_line in (select product_line from books.product_lines where accrues_interest)
),
touched as (
    select trade_id from books.trade_versions where business_date = :business_date
    union
    select trade_id from operations.trade_releases where business_date = :business_date
),
needed as (
    select
        bonds.instrument_id,
        bonds.content_sha,
        coalesce(trades.settlement_date, cycles.settlement_date) as accrual_date
    from touched
    inner join books.trade_versions as trades on touched.trade_id = trades.trade_id
    inner join bonds on trades.instrument_id = bonds.instrument_id
    left join books.settlement_cycles as cycles
        on bonds.market_mic = cycles.market_mic and trades.trade_date = cycles.trade_date
    union
    select bonds.instrument_id, bonds.content_sha, cycles.settlement_date
    from touched
    inner join books.trade_versions as trades on touched.trade_id = trades.trade_id
    inner join bonds on trades.instrument_id = bonds.instrument_id
    inner join books.settlement_cycles as cycles
        on bonds.market_mic = cycles.market_mic and cycles.trade_date >= trades.trade_date and cycles.trade_date < :business_date
    inner join operations.day_closings as closings on cycles.trade_date = closings.business_date
    union
    select bonds.instrument_id, bonds.content_sha, cycles.settlement_date
    from bonds
    inner join books.settlement_cycles as cycles
        on bonds.market_mic = cycles.market_mic and cycles.trade_date = :business_date
)
select needed.*
from needed
left join books.bond_accruals as known
    on needed.instrument_id = known.instrument_id and needed.content_sha = known.terms_sha
    and needed.accrual_date = known.accrual_date
where needed.accrual_date is not null and known.instrument_id is null
-- two runs at once must take the keys in one order, or they wait for each other
order by needed.instrument_id, needed.accrual_date
"""
