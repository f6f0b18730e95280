"""Rejected rows: what each reason means to a person, and their record in operations.exceptions."""

from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from posttrade.messages.contracts import Contract
from posttrade.messages.rows import SourceFile

_SENTENCES = {
    "UNREADABLE": ("{defect}", "Have the sender send the message again."),
    "COLUMN_COUNT": ("the line does not have as many cells as the header has columns", "Add or remove cells, then replay the row."),
    "MISSING": ("{field} is missing", "Fill it in, then replay the row."),
    "NOT_ALLOWED": ("{field} is {value!r}, which is not one of {allowed}", "Correct it, then replay the row."),
    "NOT_A_DATE": ("{field} is {value!r}, which is no date of the form 2026-01-31", "Correct it, then replay the row."),
    "NOT_A_TIMESTAMP": (
        "{field} is {value!r}, which is no moment with its offset such as 2026-01-31T09:30:00+01:00", "Correct it, then replay the row."),
    "NOT_A_NUMBER": ("{field} is {value!r}, which is no number that fits the column", "Correct it, then replay the row."),
    "NOT_POSITIVE": ("{field} is {value}, and must be more than zero", "Correct it, then replay the row."),
    "OUT_OF_RANGE": ("{field} is {value}, and must be at least 0 and less than 1", "Correct it, then replay the row."),
    "UNKNOWN_REFERENCE": ("{field} is {value!r}, which is not on record", "Record it first, then replay the row unchanged."),
    "CHECK_DIGITS": ("{field} is {value!r}, whose check digits do not hold", "Correct it, then replay the row."),
    "OTHER_CURRENCY": ("{field} is {value!r}, which is not the instrument's currency", "Correct it, then replay the row."),
    "WRONG_VERSION": (
        "version {value} does not go with the event: NEW is version 1, AMEND and CANCEL count up from 2", "Correct it, then replay the row."),
    "BEFORE_TRADE_DATE": ("{field} {value} lies before the trade date", "Correct it, then replay the row."),
    "BEFORE_EX_DATE": ("{field} {value} lies before the ex date", "Correct it, then replay the row."),
    "IN_THE_FUTURE": ("{field} {value} lies after the business date", "Correct it, or send the row again on its day."),
    "CONFLICT": (
        "the key is on record with other content", "If the new content is right, send it as a new version or with a higher revision."),
}  # fmt: skip


def record_exceptions(
    cursor: psycopg.Cursor[Any], contract: Contract, source: SourceFile, file_id: str, business_date: date
) -> int:
    """Put the rejected rows of a file on record, each with a sentence and a remedy.

    Returns:
        How many there are.
    """
    names = sql.SQL(", ").join(sql.Identifier(column.name) for column in contract.columns)
    cursor.execute(
        sql.SQL(
            "select line_no, raw, error, defect, {} from pg_temp.judged where error is not null and error <> 'KNOWN' order by line_no"
        ).format(names)
    )
    values_by_row = cursor.fetchall()
    rows = []
    for line_no, raw, error, defect, *cells in values_by_row:
        code, _, field = error.partition(":")
        value = dict(zip((column.name for column in contract.columns), cells, strict=True)).get(field)
        allowed = ", ".join(contract.column(field).allowed) if code == "NOT_ALLOWED" else ""
        reason, remedy = _SENTENCES[code]
        sentence = reason.format(field=field, value=value, allowed=allowed, defect=defect)
        rows.append(
            (file_id, str(line_no), code, file_id, contract.kind, source.source_system, source.file_name, line_no, code, field or None,
             value, f"{source.file_name}, line {line_no}: {sentence}.", remedy, raw, business_date)
        )  # fmt: skip
    cursor.executemany(
        "insert into operations.exceptions (exception_id, file_id, kind, source_system, file_name, line_no, reason_code, field, value,"
        " reason, remedy, raw, business_date) values (md5(%s || '|' || %s || '|' || %s), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        " on conflict (exception_id) do nothing",
        rows,
    )
    return len(rows)
