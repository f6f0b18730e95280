"""Records files: COPY into a working table, set-based checks, good rows into the facts, bad ones into the exceptions.

One file is one transaction. Reading the same file again, or the same content under another name, adds nothing.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any

import psycopg
import sqlalchemy
from sqlalchemy import text

from posttrade.messages.contracts import ALLOCATIONS, TRADES, Contract
from posttrade.messages.rows import RefusedFile, Row, SourceFile
from posttrade.records.blocks import allocate_blocks
from posttrade.records.checks import COMPLETED, insert_statement, judge_statement, parse_statement
from posttrade.records.ends import gather_ends
from posttrade.records.rejections import record_exceptions, set_repeats_aside
from posttrade.records.trades import adopt_waiting_events

LOADING_LOCK = 7_405_040
COPIED_ROWS = 5_000


@dataclass
class Counts:
    """What became of the rows of one or more files."""

    recorded: int = 0
    known: int = 0
    rejected: int = 0
    refused: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def as_dict(self) -> dict[str, int]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


@dataclass(frozen=True)
class Delivery:
    """What is known of a file before it is read.

    Args:
        file_name: its name.
        sha256: of its body; empty for a pull, whose content is known once its rows have been fetched.
        source_system: the scheme of trade ids: CSV, FIX, FODB.
        delivered_for: the date of the folder it lies in.
        byte_count: its size; unknown of a pull.
    """

    file_name: str
    sha256: str
    source_system: str
    delivered_for: date
    byte_count: int = 0


def file_id_of(contract: Contract, sha256: str, delivered_for: date) -> str:
    """The identity of a file.

    An event is known by its own key whatever the day. A restatable fact may go back to what it was, so the same body delivered
    for another day is another statement.
    """
    name = f"{contract.kind}:{sha256[:32]}"
    return f"{name}@{delivered_for.isoformat()}" if contract.is_restatable else name


def record_file(
    contract: Contract,
    delivery: Delivery,
    read: Callable[[], SourceFile],
    business_date: date,
    engine: sqlalchemy.Engine,
) -> Counts:
    """Record one file in one transaction.

    Args:
        contract: what its kind must carry.
        delivery: what is known of it before it is read.
        read: reads the file; raises `RefusedFile` if it must be refused whole.
        business_date: the open date, in which its facts are booked.
        engine: of the loader.
    """
    with engine.begin() as connection:
        lock_loading(connection)
        if delivery.sha256 and _is_on_record(connection, file_id_of(contract, delivery.sha256, delivery.delivered_for)):
            return Counts()
        try:
            source = read()
        except RefusedFile as refusal:
            file_id = file_id_of(contract, delivery.sha256, delivery.delivered_for)
            return _record_refusal(connection, contract.kind, file_id, delivery, refusal.reason, business_date)
        return record_source(connection, contract, source, delivery.delivered_for, business_date)


def refuse_unknown_file(delivery: Delivery, business_date: date, engine: sqlalchemy.Engine) -> Counts:
    """Put on record that a file lies in the inbox whose name is that of no kind, so that nobody waits for its rows."""
    reason = "its name is that of no kind of file: docs/file-contracts.md lists them; rename it"
    file_id = f"unknown:{delivery.sha256[:32]}@{delivery.delivered_for.isoformat()}"
    with engine.begin() as connection:
        return _record_refusal(connection, "unknown", file_id, delivery, reason, business_date)


def lock_loading(connection: sqlalchemy.Connection) -> None:
    """Let one transaction at a time record; what it read of the facts then holds until it commits."""
    connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOADING_LOCK})


def _is_on_record(connection: sqlalchemy.Connection, file_id: str) -> bool:
    found = connection.execute(text("select 1 from landing.files where file_id = :file_id"), {"file_id": file_id})
    return found.first() is not None


def _record_refusal(
    connection: sqlalchemy.Connection, kind: str, file_id: str, delivery: Delivery, reason: str, business_date: date
) -> Counts:
    recorded = connection.execute(
        text(
            "insert into landing.files (file_id, kind, source_system, file_name, sha256, byte_count, row_count, outcome, reason,"
            " business_date) values (:file_id, :kind, :source_system, :name, :sha256, :byte_count, 0, 'REFUSED', :reason, :business_date)"
            " on conflict (file_id) do nothing"
        ),
        {
            "file_id": file_id,
            "kind": kind,
            "byte_count": delivery.byte_count,
            "source_system": delivery.source_system,
            "name": delivery.file_name,
            "sha256": delivery.sha256,
            "reason": reason,
            "business_date": business_date,
        },
    )
    return Counts(refused=recorded.rowcount)


def record_source(
    connection: sqlalchemy.Connection,
    contract: Contract,
    source: SourceFile,
    delivered_for: date,
    business_date: date,
    is_replay: bool = False,
) -> Counts:
    """Record the rows of one file inside a transaction that holds the loading lock.

    Args:
        connection: the transaction.
        contract: what the file's kind must carry.
        source: its rows.
        delivered_for: the date of the folder it lies in.
        business_date: the open date, in which its facts are booked.
        is_replay: a row that was rejected before for the same reason is rejected again, not known.
    """
    driver: psycopg.Connection[Any] = connection.connection.driver_connection  # type: ignore[assignment]
    cursor = driver.cursor()
    # Compiling the long checks takes longer than running them, and their sorts and look-ups should stay in memory.
    cursor.execute("set local jit = off; set local work_mem = '64MB'")
    cursor.execute("drop table if exists pg_temp.arrived, pg_temp.parsed, pg_temp.judged")
    cursor.execute("create temp table arrived (line_no bigint, raw text, cells text, defect text) on commit drop")
    row_count = _copy(cursor, source.rows)
    file_id = file_id_of(contract, source.sha256, delivered_for)
    if _is_on_record(connection, file_id):
        return Counts()
    settings = {
        "business_date": business_date,
        "source": source.source_system,
        "file_id": file_id,
        "delivered_for": delivered_for,
    }
    cursor.execute(parse_statement(contract, source.columns), settings)
    if contract.kind in COMPLETED:
        cursor.execute(COMPLETED[contract.kind], settings)
    cursor.execute("analyze pg_temp.parsed")
    if contract is TRADES:
        gather_ends(connection, business_date)
    cursor.execute(judge_statement(cursor, contract), settings)
    if not is_replay:
        set_repeats_aside(cursor, contract, source, business_date)
    cursor.execute(
        "insert into landing.files (file_id, kind, source_system, file_name, sha256, byte_count, row_count, outcome, business_date)"
        " values (%s, %s, %s, %s, %s, %s, %s, 'RECORDED', %s)",
        (
            file_id,
            contract.kind,
            source.source_system,
            source.file_name,
            source.sha256,
            source.byte_count,
            row_count,
            business_date,
        ),
    )
    if contract is TRADES:
        cursor.execute(
            "insert into landing.trade_rows (file_id, line_no, raw) select %(file_id)s, line_no, raw from pg_temp.judged"
            " where error is distinct from 'KNOWN'",
            settings,
        )
    cursor.execute(insert_statement(contract), settings)
    recorded = cursor.rowcount
    if contract is TRADES and source.source_system == "FIX":
        adopt_waiting_events(cursor, business_date)
    if contract in (TRADES, ALLOCATIONS):
        allocate_blocks(cursor, business_date)
    rejected = record_exceptions(cursor, contract, source, file_id, business_date)
    cursor.execute("select count(*) from pg_temp.judged where error = 'KNOWN'")
    found = cursor.fetchone()
    return Counts(recorded, found[0] if found else 0, rejected)


_NEEDS_ESCAPING = re.compile(r"[\\\x00\x02\r\n]")
_ESCAPES = {"\\": "\\\\", "\x00": "\u2400", "\x02": "\\x02", "\r": "\\r", "\n": "\\n"}


def _escaped(value: str) -> str:
    """The value as COPY's text format wants it; Postgres holds no NUL, so its picture stands for it."""
    return _NEEDS_ESCAPING.sub(lambda found: _ESCAPES[found.group()], value)


def _copy(cursor: psycopg.Cursor[Any], rows: Iterable[Row]) -> int:
    count = 0
    with cursor.copy("copy pg_temp.arrived from stdin (format text, delimiter E'\\x02', null '')") as copy:
        chunk: list[str] = []
        for row in rows:
            raw, cells = row.raw, row.cells
            if _NEEDS_ESCAPING.search(raw):
                raw, cells = _escaped(raw), _escaped(cells)
            chunk.append(f"{row.line_no}\x02{raw}\x02{cells}\x02{_escaped(row.defect)}\n")
            count += 1
            if len(chunk) == COPIED_ROWS:
                copy.write("".join(chunk))
                chunk.clear()
        copy.write("".join(chunk))
    return count
