"""Keeps trades out of the books while a term that their amounts follow from is unknown, and lets them in when it is known."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.offices.facts_known import INSTRUMENTS_KNOWN
from posttrade.records.database import insert_missing


@dataclass
class MissingTerms:
    """What could not be worked out on a date, and why: a sentence without its full stop."""

    markets: dict[str, str] = field(default_factory=dict)
    """By MIC: how the market settles."""
    settlement_dates: dict[tuple[str, date], str] = field(default_factory=dict)
    """By MIC and trade date, where the trade states none."""
    spot_dates: dict[tuple[str, str, date], str] = field(default_factory=dict)
    """By currency, notional currency and trade date, where the trade states none."""
    rates: dict[str, str] = field(default_factory=dict)
    """By currency: what it is worth in base currency."""
    bonds: dict[str, str] = field(default_factory=dict)
    """By instrument: its terms as a whole."""
    accruals: dict[tuple[str, date], str] = field(default_factory=dict)
    """By instrument and the date up to which interest accrues."""

    def reason(self, trade: Any) -> str | None:
        """Why a trade cannot be booked, a row of TRADES_CONCERNED; None where it can be."""
        reasons = [
            self.bonds.get(trade.instrument_id),
            self.accruals.get((trade.instrument_id, trade.accrual_date)),
            self.markets.get(trade.market_mic),
            self.rates.get(trade.currency_code),
            self.rates.get(trade.notional_currency_code),
        ]
        if not trade.states_settlement_date:
            reasons += [
                self.settlement_dates.get((trade.market_mic, trade.trade_date)),
                self.spot_dates.get((trade.currency_code, trade.notional_currency_code, trade.trade_date)),
            ]
        return next((one for one in reasons if one), None)


def hold_trades(connection: sqlalchemy.Connection, business_date: date, missing: MissingTerms) -> dict[str, int]:
    """Record which trades of the date stay out of the books, and which that did so come in; of a closed date, nothing.

    Returns:
        `held`: trade versions that stay out from now on; `found`: those whose terms are known now.
    """
    if connection.scalar(text("select 1 from operations.day_closings where business_date = :day"), {"day": business_date}):
        return {"held": 0, "found": 0}
    parameters = {
        "business_date": business_date,
        "instruments": sorted({*missing.bonds, *(instrument_id for instrument_id, _ in missing.accruals)}),
        "markets": sorted({*missing.markets, *(market_mic for market_mic, _ in missing.settlement_dates)}),
        "notional_currencies": sorted({*missing.rates, *(notional for _, notional, _ in missing.spot_dates)}),
        "currencies": sorted(missing.rates),
    }
    held, found = [], []
    for row in connection.execute(text(TRADES_CONCERNED), parameters):
        reason = missing.reason(row)
        if reason is None and row.is_held:
            found.append((row.trade_id, row.version, business_date))
        elif reason is not None and not row.is_held:
            held.append((row.trade_id, row.version, row.instrument_id, reason, business_date))
    columns = "books.trades_without_terms (trade_id, version, instrument_id, reason, business_date)"
    newly_held = insert_missing(connection, columns, ("text", "integer", "text", "text", "date"), held)
    columns = "books.trade_terms_found (trade_id, version, business_date)"
    return {"held": newly_held, "found": insert_missing(connection, columns, ("text", "integer", "date"), found)}


# The versions that would be booked for the first time on the date and lack a term, and those that lacked one until now. A cancellation
# needs no terms, and of a block its allocations are booked.
TRADES_CONCERNED = f"""
with instruments as ({INSTRUMENTS_KNOWN}),
booked_first as (
    select trade_id, version, instrument_id from books.trade_versions where business_date = :business_date
    union all
    select beyond.trade_id, beyond.version, trades.instrument_id
    from operations.trade_releases as released
    inner join operations.trade_events_beyond_cutoff as beyond on released.trade_id = beyond.trade_id
    inner join books.trade_versions as trades on beyond.trade_id = trades.trade_id and beyond.version = trades.version
    where released.business_date = :business_date and beyond.released_date = :business_date
),
concerned as (
    select booked_first.trade_id, booked_first.version, false as is_held
    from booked_first
    inner join instruments on booked_first.instrument_id = instruments.instrument_id
    where (
            instruments.instrument_id = any(:instruments) or instruments.market_mic = any(:markets)
            or instruments.currency_code = any(:currencies) or instruments.notional_currency_code = any(:notional_currencies)
        )
        and not exists (
            select from books.trades_without_terms as held
            where held.trade_id = booked_first.trade_id and held.version = booked_first.version
        )
    union
    select held.trade_id, held.version, true
    from books.trades_held_for_terms as held
    where held.business_date <= :business_date and held.found_date is null
)
select
    concerned.trade_id,
    concerned.version,
    concerned.is_held,
    trades.instrument_id,
    instruments.market_mic,
    instruments.currency_code,
    instruments.notional_currency_code,
    trades.trade_date,
    trades.settlement_date is not null as states_settlement_date,
    coalesce(trades.settlement_date, cycles.settlement_date) as accrual_date
from concerned
inner join books.trade_versions as trades on concerned.trade_id = trades.trade_id and concerned.version = trades.version
inner join instruments on trades.instrument_id = instruments.instrument_id
left join books.settlement_cycles as cycles
    on instruments.market_mic = cycles.market_mic and trades.trade_date = cycles.trade_date
where trades.event_type <> 'CANCEL' and not trades.is_block
-- two runs at once must take the keys in one order, or they wait for each other
order by concerned.trade_id, concerned.version
"""
