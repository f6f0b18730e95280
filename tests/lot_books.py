"""Calls the database's lot matching on trades made up by a test."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg


@dataclass(frozen=True)
class LotTrade:
    """A trade as lot matching sees it; with `new_units` a restatement of the open lots."""

    trade_id: str
    trade_date: date
    quantity: Decimal | None = None
    amount: Decimal | None = None
    amount_base: Decimal | None = None
    fx_rate: Decimal = Decimal(1)
    closes_trade_id: str | None = None
    new_units: Decimal = Decimal(1)
    old_units: Decimal = Decimal(1)
    cost_moved: Decimal = Decimal(0)
    lot_method: str | None = None
    fraction_price: Decimal | None = None
    closed_fraction: Decimal | None = None
    cash_per_unit: Decimal | None = None
    exercised_quantity: Decimal | None = None
    exercised_fraction: Decimal | None = None


@dataclass(frozen=True)
class Lot:
    """An open lot."""

    lot_id: str
    opened_date: date
    quantity: Decimal
    cost_amount: Decimal
    cost_amount_base: Decimal


@dataclass(frozen=True)
class LotBook:
    """What is open after the trades, and what they realised."""

    lots: list[Lot]
    quantity: Decimal
    cost_amount: Decimal
    cost_amount_base: Decimal
    realised_amount: Decimal
    realised_amount_base: Decimal
    realised_price_amount_base: Decimal
    unnamed_quantity: Decimal
    closings: list[tuple[Any, ...]] = field(default_factory=list)
    """trade, is_transfer, lot, quantity, cost, cost in base, proceeds, proceeds in base."""


_MATCH = """
with matched as materialized (
    select books.match_lots(null, array(
        select row(trade_id, trade_date, quantity, amount, amount_base, fx_rate, lot_method, closes_trade_id, new_units, old_units,
            cost_moved, closed_fraction, cash_per_unit, fraction_price, null, null, null, null, null, exercised_quantity,
            exercised_fraction)::books.lot_event
        from unnest(%s::text[], %s::date[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::text[], %s::text[],
            %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[], %s::numeric[])
            with ordinality
            as given (trade_id, trade_date, quantity, amount, amount_base, fx_rate, lot_method, closes_trade_id, new_units, old_units,
            cost_moved, fraction_price, closed_fraction, cash_per_unit, exercised_quantity, exercised_fraction, position)
        order by position
    ), 2, 2) as book
)
select (book).lot_ids, (book).opened_dates, (book).quantities, (book).costs, (book).costs_base, (book).quantity, (book).cost_amount,
    (book).cost_amount_base, (book).realised_amount, (book).realised_amount_base, (book).realised_price_amount_base,
    (book).unnamed_quantity
from matched
"""
_CLOSINGS = _MATCH[: _MATCH.rindex("select (book).lot_ids")] + (
    "select closing.trade_id, closing.is_transfer, closing.lot_id, closing.quantity, closing.cost_amount, closing.cost_amount_base,"
    " closing.proceeds_amount, closing.proceeds_amount_base from matched cross join lateral unnest((book).closings) as closing"
)


def match(connection: psycopg.Connection[Any], trades: Sequence[LotTrade], method: str) -> LotBook:
    """The lots after the trades, in the order given, by one method or by that of each trade."""
    columns = (
        [one.trade_id for one in trades],
        [one.trade_date for one in trades],
        [one.quantity for one in trades],
        [one.amount for one in trades],
        [one.amount_base for one in trades],
        [one.fx_rate for one in trades],
        [one.lot_method or method for one in trades],
        [one.closes_trade_id for one in trades],
        [one.new_units for one in trades],
        [one.old_units for one in trades],
        [one.cost_moved for one in trades],
        [one.fraction_price for one in trades],
        [one.closed_fraction for one in trades],
        [one.cash_per_unit for one in trades],
        [one.exercised_quantity for one in trades],
        [one.exercised_fraction for one in trades],
    )
    row = connection.execute(_MATCH, columns).fetchone()
    assert row is not None
    lots = [Lot(*values) for values in zip(*row[:5], strict=True)]
    return LotBook(lots, *row[5:], closings=connection.execute(_CLOSINGS, columns).fetchall())
