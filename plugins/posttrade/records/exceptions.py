"""Rows that could not be recorded: a person corrects and replays them, or dismisses them; both are facts of their own."""

import hashlib
from datetime import date
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.errors import PosttradeError
from posttrade.messages.contracts import CONTRACTS
from posttrade.messages.csv_files import row_of
from posttrade.messages.fix_drop_copy import COLUMNS as FIX_COLUMNS
from posttrade.messages.fix_drop_copy import parse_message, trade_rows
from posttrade.messages.rows import SourceFile
from posttrade.records.loader import record_file
from posttrade.records.trades import find_execution


def list_exceptions(engine: sqlalchemy.Engine, business_date: date | None = None) -> list[dict[str, Any]]:
    """The rows that wait for a person, oldest first; all dates, or one."""
    with engine.connect() as connection:
        rows = connection.execute(
            text(
                "select exceptions.* from operations.exceptions as exceptions where not exists"
                " (select from operations.exception_resolutions as done where done.exception_id = exceptions.exception_id)"
                " and (cast(:business_date as date) is null or business_date = :business_date) order by known_at, line_no"
            ),
            {"business_date": business_date},
        ).mappings()
        return [dict(row) for row in rows]


def replay_exception(exception_id: str, corrected_raw: str, resolved_by: str, business_date: date, engine: sqlalchemy.Engine) -> None:
    """Record a rejected row after correction, through the checks every row passes.

    Args:
        exception_id: the rejected row.
        corrected_raw: the line as the file should have had it; the columns in the order of the contract.
        resolved_by: the person.
        business_date: the open date, in which it is booked.
        engine: of the loader.

    Raises:
        PosttradeError: the row is unknown or done already, or the corrected line is rejected again (and then waits as its own row).
    """
    row = _waiting(exception_id, engine)
    digest = hashlib.sha256(f"{exception_id}\n{corrected_raw}".encode()).hexdigest()
    name = f"replay of {row['file_name']}, line {row['line_no']}"

    def read() -> SourceFile:
        if row["source_system"] == "FIX":
            rows = list(trade_rows([parse_message(1, corrected_raw)], find_execution(engine)))
            columns = FIX_COLUMNS
        else:
            contract = CONTRACTS[row["kind"]]
            columns = tuple(column.name for column in contract.columns)
            rows = [row_of(1, corrected_raw)]
        return SourceFile(row["kind"], row["source_system"], name, digest, len(corrected_raw.encode()), columns, rows)

    counts = record_file(CONTRACTS[row["kind"]], read, business_date, engine)
    if counts.rejected:
        again = next(one for one in list_exceptions(engine) if one["file_id"] == f"{row['kind']}:{digest[:32]}")
        raise PosttradeError(f"The corrected row is rejected again: {again['reason']}", again["remedy"])
    _resolve(exception_id, "REPLAYED", f"{row['kind']}:{digest[:32]}", resolved_by, None, business_date, engine)


def dismiss_exception(exception_id: str, resolved_by: str, note: str, business_date: date, engine: sqlalchemy.Engine) -> None:
    """Put a rejected row aside; it stays on record.

    Raises:
        PosttradeError: the row is unknown or done already.
    """
    _waiting(exception_id, engine)
    _resolve(exception_id, "DISMISSED", None, resolved_by, note, business_date, engine)


def _waiting(exception_id: str, engine: sqlalchemy.Engine) -> dict[str, Any]:
    for row in list_exceptions(engine):
        if row["exception_id"] == exception_id:
            return row
    raise PosttradeError(f"No rejected row {exception_id} waits.", "List them with ./posttrade exceptions list.")


def _resolve(
    exception_id: str, action: str, file_id: str | None, resolved_by: str, note: str | None, business_date: date, engine: sqlalchemy.Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into operations.exception_resolutions (exception_id, action, file_id, line_no, resolved_by, note, business_date)"
                " values (:exception_id, :action, :file_id, :line_no, :resolved_by, :note, :business_date) on conflict do nothing"
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
