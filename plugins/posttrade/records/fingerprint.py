"""One hash per table and one over all: two states of the firm are the same when these are."""

import hashlib

import sqlalchemy
from sqlalchemy import text

SCHEMAS = ("landing", "books", "ledger", "operations", "marts")
# When a row was written and by which run is no part of what the firm knows.
LEFT_OUT_COLUMNS = ("known_at", "run_no", "released_at", "first_trade_at", "last_trade_at", "last_instruction_at",
                    "last_entry_at", "closed_at", "close_seconds",
                    # made over known_at, among the rest
                    "sealed_at", "entry_hash", "entries_hash", "previous_hash", "seal_hash")  # fmt: skip
# How often the controls ran, how far the facts had come when the books were built, the delays measured by the clock, and the journal once
# more, as text with its times.
LEFT_OUT_TABLES = ("operations.control_results", "operations.book_states", "marts.rpt_process_delays", "ledger.journal_parts")


def fingerprint(engine: sqlalchemy.Engine) -> dict[str, str]:
    """The hash of every table and mart, in the order of their names, without load times and run ids.

    Rows are hashed one by one and the hashes added up, so the order in which they were written leaves no trace.

    Args:
        engine: of the auditor, who may read everything.
    """
    with engine.connect() as connection:
        tables = connection.execute(
            text(
                "select table_schema, table_name, string_agg(quote_ident(column_name), ', ' order by column_name collate \"C\")"
                " from information_schema.columns where table_schema = any(:schemas) and column_name <> all(:left_out)"
                ' group by table_schema, table_name order by table_schema collate "C", table_name collate "C"'
            ),
            {"schemas": list(SCHEMAS), "left_out": list(LEFT_OUT_COLUMNS)},
        ).all()
        return {
            f"{schema}.{table}": _hash(connection, schema, table, columns)
            for schema, table, columns in tables
            if f"{schema}.{table}" not in LEFT_OUT_TABLES
        }


def overall(hashes: dict[str, str]) -> str:
    """One hash over the hashes of all tables."""
    return hashlib.md5("\n".join(f"{name} {value}" for name, value in hashes.items()).encode(), usedforsecurity=False).hexdigest()


def _hash(connection: sqlalchemy.Connection, schema: str, table: str, columns: str) -> str:
    # Two 60-bit halves of each row's md5, summed: independent of order, sensitive to repeated rows.
    found = connection.execute(
        text(
            'select count(*), coalesce(sum(("x" || left(h, 15))::bit(60)::bigint), 0), '.replace('"x"', "'x'")
            + "coalesce(sum(('x' || right(h, 15))::bit(60)::bigint), 0) "
            + f'from (select md5(row({columns})::text) as h from "{schema}"."{table}") as hashed'
        )
    ).one()
    return hashlib.md5("|".join(map(str, found)).encode(), usedforsecurity=False).hexdigest()
