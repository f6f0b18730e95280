"""Matches the lots of a day with very many trades in compiled code: trades and holdings come by COPY, lots go back by COPY."""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING

import psycopg2
import sqlalchemy
from sqlalchemy import text

from posttrade.records.database import Role, psycopg_connection, url

if TYPE_CHECKING:
    from posttrade.records.lot_streams import DayOfLots

TRADES_OF_A_LARGE_DAY = 50_000
"""From here on the kernel pays for what it takes to stream."""

MOST_STREAMS = 4
ROWS_OF_A_PART = 2_000_000
"""Trades and holdings that are worked out at a time: some hundred bytes each."""


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
        closing_type = connection.execute("select 'books.lot_closing'::regtype::oid::bigint").fetchone()
    assert rows is not None
    assert closing_type is not None
    streams = min(MOST_STREAMS, os.cpu_count() or 1)
    parts = -(-rows[0] // ROWS_OF_A_PART)
    keys = left = 0
    with ThreadPoolExecutor(streams) as pool:
        for part in range(parts):
            copied = pool.map(lambda name, part=part: _copied_out(name, business_date, part, parts), STREAMED)
            # costs two seconds, which the database has something to do in; and most days are not large
            from posttrade.records.lot_streams import DayOfLots, StreamsOfDay

            day = DayOfLots(StreamsOfDay(*copied), business_date)
            # a stream has keys side by side, so that each fills its own pages of the index
            bounds = [len(day.keys) * number // streams for number in range(streams + 1)]
            counts = pool.map(lambda first, end, day=day: _match_and_copy_in(day, first, end, closing_type[0]), bounds[:-1], bounds[1:])
            for matched_here, left_here in counts:
                keys, left = keys + matched_here, left + left_here
    with psycopg_connection(Role.TRANSFORMER) as connection:
        connection.execute("analyze intermediate.int_lots__streamed (business_date, book_id, account_id, instrument_id, is_matched)")
    return {"keys": keys, "left": left}


def _match_and_copy_in(day: "DayOfLots", first_key: int, end_of_keys: int, closing_type: int) -> tuple[int, int]:
    """Match the keys of a stretch, and bring their lots and closings into the database; some run side by side.

    Returns:
        Keys worked out, and keys left to the database.
    """
    from posttrade.records.binary_copy import HEADER, TRAILER
    from posttrade.records.lot_outputs import LOT_FIELDS, STREAMED_FIELDS

    keys = left = 0
    with (
        psycopg_connection(Role.TRANSFORMER) as one,
        psycopg_connection(Role.TRANSFORMER) as other,
        one.cursor().copy(f"copy intermediate.int_lots__matched ({LOT_FIELDS}) from stdin (format binary)") as lots,
        other.cursor().copy(f"copy intermediate.int_lots__streamed ({STREAMED_FIELDS}) from stdin (format binary)") as streamed,
    ):
        lots.write(HEADER)
        streamed.write(HEADER)
        for lot_rows, streamed_rows, keys_of_rows, left_of_rows in day.match(first_key, end_of_keys, closing_type):
            lots.write(lot_rows)
            streamed.write(streamed_rows)
            keys, left = keys + keys_of_rows - left_of_rows, left + left_of_rows
        lots.write(TRAILER)
        streamed.write(TRAILER)
    return keys, left


def _copied_out(relation: str, business_date: date, part: int, parts: int) -> bytes:
    """A relation of a day as binary COPY; where it has keys, those of one part of several.

    By psycopg2, which hands rows on at an eighth of what psycopg 3 takes.
    """
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
        statement = f"select * from intermediate.{relation}"
        if parts > 1 and relation in STREAMED_BY_KEY:
            statement += f" where abs(hashtext(book_id || account_id || instrument_id) % {parts}) = {part}"
        connection.cursor().copy_expert(f"copy ({statement}) to stdout (format binary)", received)
        return received.getvalue()
    finally:
        connection.close()


STREAMED_BY_KEY = ("int_lots__trades_streamed", "int_lots__holdings_streamed", "int_lots__keys_replayed")
STREAMED = (*STREAMED_BY_KEY, "int_lots__instruments_streamed", "int_lots__accounts_streamed")
"""In the order of StreamsOfDay."""

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
