"""Prepares what the middle office values with: procedures, settlement dates, coupons and accrued interest."""

from collections import defaultdict
from datetime import date
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.domain.bonds import FixedRateBond, accrued_percents, coupons
from posttrade.domain.money import currencies
from posttrade.domain.settlement_cycles import settlement_date
from posttrade.errors import PosttradeError
from posttrade.procedures.schema import load_procedures, load_settlement_cycles


def publish_procedures(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:  # noqa: ARG001 - an office function
    """Record the currencies of ISO 4217 and what the procedures say about each product line; what is recorded stays."""
    with engine.begin() as connection:
        published = _insert(
            connection, "books.currencies (currency_code, minor_unit)", ("text", "integer"), list(currencies().items())
        )
        lines = [
            (one.product_line, one.valid_from, one.name, one.valuation.price_divisor, one.valuation.accrues_interest, one.content_sha)
            for one in load_procedures()
        ]
        published_lines = _insert(
            connection,
            "books.product_lines (product_line, valid_from, name, price_divisor, accrues_interest, content_sha)",
            ("text", "date", "text", "numeric", "boolean", "text"),
            lines,
        )
    return {"currencies": published, "product_lines": published_lines}


def prepare_terms(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Work out the settlement dates, coupons and accruals that the date's trades and positions need and nobody has yet.

    Returns:
        New `settlement_dates`, `coupons` and `accruals`.

    Raises:
        PosttradeError: a market has no settlement cycle or calendar, or a bond's terms contradict each other.
    """
    publish_procedures(business_date, engine)
    with engine.begin() as connection:
        dates = _prepare_settlement_dates(connection, business_date)
        bonds = _bonds_known(connection, business_date)
        new_coupons = _prepare_coupons(connection, bonds)
        new_accruals = _prepare_accruals(connection, bonds, business_date)
    return {"settlement_dates": dates, "coupons": new_coupons, "accruals": new_accruals}


def _prepare_settlement_dates(connection: sqlalchemy.Connection, business_date: date) -> int:
    cycles = load_settlement_cycles()
    rows = []
    for market, trade_date in connection.execute(text(SETTLEMENT_DATES_NEEDED), {"business_date": business_date}):
        if market not in cycles:
            raise PosttradeError(
                f"No settlement cycle is known for the market {market!r}.", "Add it to procedures/settlement_cycles.yaml."
            )
        try:
            rows.append((market, trade_date, settlement_date(market, cycles[market], trade_date)))
        except ValueError as error:
            raise PosttradeError(f"Market {market}: {error}.", "Add it to procedures/settlement_cycles.yaml.") from error
    return _insert(
        connection, "books.settlement_cycles (market_mic, trade_date, settlement_date)", ("text", "date", "date"), rows
    )


def _bonds_known(connection: sqlalchemy.Connection, business_date: date) -> dict[tuple[str, str], FixedRateBond]:
    bonds = {}
    for row in connection.execute(text(BONDS_KNOWN), {"business_date": business_date}):
        try:
            bonds[row.instrument_id, row.content_sha] = FixedRateBond(
                row.coupon_rate, row.coupon_frequency, row.day_count, row.issue_date, row.first_coupon_date, row.maturity_date, row.market_mic
            )
        except (ValueError, TypeError) as error:
            raise PosttradeError(
                f"The terms of the bond {row.instrument_id} cannot be used: {error}.", "Send a corrected row in instruments.csv."
            ) from error
    return bonds


def _prepare_coupons(connection: sqlalchemy.Connection, bonds: dict[tuple[str, str], FixedRateBond]) -> int:
    known = {tuple(row) for row in connection.execute(text("select distinct instrument_id, terms_sha from books.bond_coupons"))}
    rows = [
        (instrument_id, terms_sha, coupon.coupon_date, coupon.period_start_date, coupon.pay_date, coupon.coupon_percent, coupon.redemption_percent)
        for (instrument_id, terms_sha), bond in bonds.items()
        if (instrument_id, terms_sha) not in known
        for coupon in coupons(bond)
    ]
    return _insert(
        connection,
        "books.bond_coupons (instrument_id, terms_sha, coupon_date, period_start_date, pay_date, coupon_percent, redemption_percent)",
        ("text", "text", "date", "date", "date", "numeric", "numeric"),
        rows,
    )


def _prepare_accruals(connection: sqlalchemy.Connection, bonds: dict[tuple[str, str], FixedRateBond], business_date: date) -> int:
    needed: dict[tuple[str, str], list[date]] = defaultdict(list)
    for row in connection.execute(text(ACCRUALS_NEEDED), {"business_date": business_date}):
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


INSTRUMENTS_KNOWN = """
    select distinct on (instrument_id) *
    from books.instruments where business_date <= :business_date
    order by instrument_id, business_date desc, revision desc
"""

SETTLEMENT_DATES_NEEDED = f"""
with instruments as ({INSTRUMENTS_KNOWN}),
needed as (
    select distinct instruments.market_mic, trades.trade_date
    from books.trade_versions as trades
    inner join instruments on trades.instrument_id = instruments.instrument_id
    where trades.business_date = :business_date and trades.trade_date is not null
    union
    select distinct market_mic, cast(:business_date as date) from instruments
)
select needed.market_mic, needed.trade_date
from needed
left join books.settlement_cycles as known
    on needed.market_mic = known.market_mic and needed.trade_date = known.trade_date
where known.market_mic is null
"""

BONDS_KNOWN = f"""
with instruments as ({INSTRUMENTS_KNOWN})
select instruments.* from instruments
where instruments.product_line in (select product_line from books.product_lines where accrues_interest)
"""

# The settlement dates of the day's trades, also of those whose turn comes today because their original arrived,
# and the standard settlement date of a trade made today, which is what a position is valued with.
ACCRUALS_NEEDED = f"""
with instruments as ({INSTRUMENTS_KNOWN}),
bonds as (
    select * from instruments where product_line in (select product_line from books.product_lines where accrues_interest)
),
touched as (
    select distinct trade_id from books.trade_versions where business_date = :business_date
),
needed as (
    select bonds.instrument_id, bonds.content_sha, coalesce(trades.settlement_date, cycles.settlement_date) as accrual_date
    from touched
    inner join books.trade_versions as trades on touched.trade_id = trades.trade_id
    inner join bonds on trades.instrument_id = bonds.instrument_id
    left join books.settlement_cycles as cycles
        on bonds.market_mic = cycles.market_mic and trades.trade_date = cycles.trade_date
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
"""
