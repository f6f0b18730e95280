"""Rows that could not be recorded: a person corrects and replays them, or dismisses them; both are facts of their own."""

import hashlib
from datetime import date
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.errors import PosttradeError
from posttrade.messages.contracts import CONTRACTS
from posttrade.messages.csv_files import row_of
from posttrade.messages.fix_drop_copy import parse_message, trade_rows
from posttrade.messages.rows import SEPARATOR, SourceFile
from posttrade.records.loader import file_id_of, lock_loading, record_source
from posttrade.records.trades import find_executions

WAITING = (
    "select exceptions.* from operations.exceptions as exceptions where not exists"
    " (select from operations.exception_resolutions as done where done.exception_id = exceptions.exception_id)"
)


def list_exceptions(engine: sqlalchemy.Engine, business_date: date | None = None) -> list[dict[str, Any]]:
    """The rows that wait for a person, oldest first; all dates, or one."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(f"{WAITING} and (cast(:business_date as date) is null or business_date = :business_date) order by known_at, line_no"),
            {"business_date": business_date},
        ).mappings()
        return [dict(row) for row in rows]


def replay_exception(exception_id: str, corrected_raw: str, resolved_by: str, business_date: date, engine: sqlalchemy.Engine) -> None:
    """Record a rejected row after correction, through the checks every row passes.

    Args:
        exception_id: the rejected row.
        corrected_raw: the line as the file should have had it; the columns in the order of the contract. Length and checksum of a
            FIX message need not be worked out anew.
        resolved_by: the person.
        business_date: the open date, in which it is booked.
        engine: of the loader.

    Raises:
        PosttradeError: the row is unknown or done already, or the corrected line is rejected again: nothing is recorded then.
    """
    with engine.begin() as connection:
        lock_loading(connection)
        row = _waiting(exception_id, connection)
        source = _source(row, corrected_raw, engine)
        counts = record_source(connection, CONTRACTS[row["kind"]], source, business_date, business_date, is_replay=True)
        if counts.rejected:
            again = connection.execute(
                text("select reason, remedy from operations.exceptions where file_name = :name and source_system = :source"
                     " and file_id like :file_id"),
                {"name": source.file_name, "source": source.source_system, "file_id": f"{row['kind']}:{source.sha256[:32]}%"},
            ).one()  # fmt: skip
            raise PosttradeError(f"The corrected row is rejected again: {again.reason}", again.remedy)
        if not counts.recorded and not counts.known:
            raise PosttradeError("The corrected text brings no row.", "Give the whole line as the file should have had it.")
        file_id = file_id_of(CONTRACTS[row["kind"]], source.sha256, business_date)
        _resolve(exception_id, "REPLAYED", file_id, resolved_by, None, business_date, connection)


def _source(row: dict[str, Any], corrected_raw: str, engine: sqlalchemy.Engine) -> SourceFile:
    if "\n" in corrected_raw or "\r" in corrected_raw:
        raise PosttradeError("The corrected row has more than one line.", "Replay one row at a time.")
    digest = hashlib.sha256(f"{row['exception_id']}\n{corrected_raw}".encode()).hexdigest()
    name = f"replay of {row['file_name']}, line {row['line_no']}"
    contract = CONTRACTS[row["kind"]]
    columns = contract.orders[0]
    if row["source_system"] == "FIX":
        rows = list(trade_rows([parse_message(1, corrected_raw, is_vouched=True)], find_executions(engine)))
    else:
        rows = [row_of(1, corrected_raw)]
        cells = rows[0].cells.count(SEPARATOR) + 1
        columns = next((one for one in contract.orders if cells - len(one) in (0, contract.is_restatable)), columns)
        if cells > len(columns) and contract.is_restatable:
            columns += ("revision",)
    return SourceFile(row["kind"], row["source_system"], name, digest, len(corrected_raw.encode()), columns, rows)


def dismiss_exception(exception_id: str, resolved_by: str, note: str, business_date: date, engine: sqlalchemy.Engine) -> None:
    """Put a rejected row aside; it stays on record.

    Raises:
        PosttradeError: the row is unknown or done already.
    """
    with engine.begin() as connection:
        lock_loading(connection)
        _waiting(exception_id, connection)
        _resolve(exception_id, "DISMISSED", None, resolved_by, note, business_date, connection)


def _waiting(exception_id: str, connection: sqlalchemy.Connection) -> dict[str, Any]:
    row = connection.execute(
        text(f"{WAITING} and exceptions.exception_id = :exception_id"), {"exception_id": exception_id}
    ).mappings().first()  # fmt: skip
    if row is not None:
        return dict(row)
    raise PosttradeError(f"No rejected row {exception_id} waits.", "List them with ./posttrade exceptions list.")


def _resolve(
    exception_id: str,
    action: str,
    file_id: str | None,
    resolved_by: str,
    note: str | None,
    business_date: date,
    connection: sqlalchemy.Connection,
) -> None:
    connection.execute(
        text(
            "insert into operations.exception_resolutions (exception_id, action, file_id, line_no, resolved_by, note, business_date)"
            " values (:exception_id, :action, :file_id, :line_no, :resolved_by, :note, :business_date)"
        ),
        {
            "exception_id": exception_id,
            "action": action,
            "file_id": file_id,
            "line_no": 1 if file_id else None,
            "resolved_by": resolved_by,
            "note": note,
            "business_date": business_date,
        },
    )
