"""Matches the lots of a day with very many trades in compiled code: trades and holdings come by COPY, lots go back by COPY."""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import psycopg2
import sqlalchemy
from sqlalchemy import text

from posttrade.records.database import Role, psycopg_connection, url

TRADES_OF_A_LARGE_DAY = 50_000
"""From here on the kernel pays for what it takes to stream."""

MOST_STREAMS = 4
ROWS_OF_A_PART = 2_000_000
"""Trades and holdings that are worked out at a time in a stream: some hundred bytes each."""


def is_large_day(business_date: date, engine: sqlalchemy.Engine) -> bool:
    """Whether a business date brings so many trades that their lots are streamed; a firm's first date never does, nor one whose
    lots were carried here by another version, which dbt refuses to go on with."""
    with engine.connect() as connection:
        return bool(connection.scalar(text(IS_LARGE), {"business_date": business_date, "enough": TRADES_OF_A_LARGE_DAY}))


def stream_lots(business_date: date) -> dict[str, int]:
    """Put the lots of a date's keys into `int_lots__matched`, and what was closed into `int_lots__streamed`, which must be empty.

    Returns:
        `keys` worked out here, and those `left` to the database: where trades name the lots they close, an event of the day works on the
        instrument, two trades came at the same moment, or a figure is beyond the kernel's.
    """
    with psycopg_connection(Role.TRANSFORMER) as connection:
        connection.execute("delete from intermediate.int_lots__matched where business_date = %s", (business_date,))
        rows = connection.execute(ROWS, {"business_date": business_date}).fetchone()
    streams = min(MOST_STREAMS, os.cpu_count() or 1)
    parts = max(streams, -(-(rows[0] if rows else 0) // ROWS_OF_A_PART))
    with ThreadPoolExecutor(streams) as pool:
        counts = list(pool.map(lambda part: _stream(business_date, part, parts), range(parts)))
    with psycopg_connection(Role.TRANSFORMER) as connection:
        connection.execute("analyze intermediate.int_lots__streamed (business_date, book_id, account_id, instrument_id, is_matched)")
    return {"keys": sum(keys for keys, _ in counts), "left": sum(left for _, left in counts)}


def _stream(business_date: date, part: int, parts: int) -> tuple[int, int]:
    """Match the keys of one of several parts; some run side by side."""
    # costs a second, and most days are not large
    from posttrade.records.binary_copy import HEADER, TRAILER
    from posttrade.records.lot_streams import LOT_FIELDS, STREAMED_FIELDS, match_streams

    trades = _copied_out("int_lots__trades_streamed", business_date, part, parts)
    holdings = _copied_out("int_lots__holdings_streamed", business_date, part, parts)
    keys = left = 0
    with psycopg_connection(Role.TRANSFORMER) as one, psycopg_connection(Role.TRANSFORMER) as other:
        row = one.execute("select 'books.lot_closing'::regtype::oid::bigint").fetchone()
        assert row is not None
        with (
            one.cursor().copy(f"copy intermediate.int_lots__matched ({LOT_FIELDS}) from stdin (format binary)") as lots,
            other.cursor().copy(f"copy intermediate.int_lots__streamed ({STREAMED_FIELDS}) from stdin (format binary)") as streamed,
        ):
            lots.write(HEADER)
            streamed.write(HEADER)
            for lot_rows, streamed_rows, keys_of_rows, left_of_rows in match_streams(trades, holdings, business_date, row[0]):
                lots.write(lot_rows)
                streamed.write(streamed_rows)
                keys, left = keys + keys_of_rows - left_of_rows, left + left_of_rows
            lots.write(TRAILER)
            streamed.write(TRAILER)
    return keys, left


def _copied_out(view: str, business_date: date, part: int, parts: int) -> bytes:
    """A view of a day as binary COPY, the keys of one part. By psycopg2, which hands rows on at an eighth of what psycopg 3 takes."""
    address = url(Role.TRANSFORMER)
    connection = psycopg2.connect(
        host=address.host,
        port=address.port,
        user=address.username,
        password=address.password,
        dbname=address.database,
        options=f"-c posttrade.business_date={business_date.isoformat()} -c jit=off -c work_mem=64MB",
    )
    try:
        received = io.BytesIO()
        connection.cursor().copy_expert(
            f"copy (select * from intermediate.{view} where abs(hashtext(book_id || account_id || instrument_id) % {parts}) = {part})"
            " to stdout (format binary)",
            received,
        )
        return received.getvalue()
    finally:
        connection.close()


ROWS = """
select
    (select count(*) from books.trade_versions where business_date = %(business_date)s)
    + (
        select count(*) from intermediate.int_lots__matched as held
        inner join books.business_days as days on held.business_date = days.previous_business_date
        where days.business_date = %(business_date)s
    )
"""

IS_LARGE = """
select
    count(*) = :enough
    and exists (
        select from pg_attribute
        where attrelid = to_regclass('intermediate.int_lots__matched') and attname = 'is_streamed'
    )
from (select from books.trade_versions where business_date = :business_date limit :enough) as trades
"""
