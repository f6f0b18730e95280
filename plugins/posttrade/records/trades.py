"""Ties FIX executions together across files: which trade an execution belongs to, whatever the order of arrival."""

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import text


def find_executions(engine: sqlalchemy.Engine) -> Callable[[Collection[str]], Mapping[str, tuple[str, int]]]:
    """A look-up from FIX executions on record to the root execution of their trade and their version in it."""

    def find(execution_ids: Collection[str]) -> Mapping[str, tuple[str, int]]:
        if not execution_ids:
            return {}
        with engine.connect() as connection:
            rows = connection.execute(
                text(
                    "select distinct on (execution_id) execution_id, substr(trade_id, 5), version from books.trade_versions"
                    " where source_system = 'FIX' and execution_id = any(:execution_ids) order by execution_id, version desc"
                ),
                {"execution_ids": sorted(execution_ids)},
            )
            return {execution: (root, version) for execution, root, version in rows}

    return find


def adopt_waiting_events(cursor: psycopg.Cursor[Any], business_date: date) -> int:
    """Give corrections that came before the correction they refer to their place in the trade, now that it is known.

    An event that waits under an execution which turns out to be a later version of a trade is recorded in that trade too, with
    the same content and origin. The event stays on record under the name it waited under.

    Returns:
        How many events found their trade.
    """
    adopted = 0
    while True:
        cursor.execute(
            """
            insert into books.trade_versions (trade_id, version, event_type, source_system, execution_id, book_id, account_id, trader_id,
                counterparty_id, instrument_id, trade_date, executed_at, source_sequence, settlement_date, quantity, price, currency_code,
                fee_amount, fx_rate, closes_trade_id, is_block, content_sha, business_date, file_id, line_no)
            select owners.trade_id, owners.version + waiting.version - 1, waiting.event_type, waiting.source_system,
                waiting.execution_id, waiting.book_id, waiting.account_id, waiting.trader_id, waiting.counterparty_id,
                waiting.instrument_id, waiting.trade_date, waiting.executed_at, waiting.source_sequence, waiting.settlement_date,
                waiting.quantity, waiting.price, waiting.currency_code, waiting.fee_amount, waiting.fx_rate,
                waiting.closes_trade_id, waiting.is_block, waiting.content_sha,
                %(business_date)s, waiting.file_id, waiting.line_no
            from operations.waiting_trade_events as events
            inner join books.trade_versions as waiting on events.trade_id = waiting.trade_id and events.version = waiting.version
            inner join books.trade_versions as owners
                on owners.source_system = 'FIX' and owners.execution_id = substr(waiting.trade_id, 5) and owners.version > 1
            where waiting.source_system = 'FIX'
            on conflict (trade_id, version) do nothing
            """,
            {"business_date": business_date},
        )
        if not cursor.rowcount:
            return adopted
        adopted += cursor.rowcount
