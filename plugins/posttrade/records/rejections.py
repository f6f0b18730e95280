"""Rejected rows: what each reason means to a person, and their record in operations.exceptions."""

import hashlib
from datetime import date
from typing import Any

import psycopg
from psycopg import sql

from posttrade.messages.contracts import Contract
from posttrade.messages.fix_drop_copy import TAGS
from posttrade.messages.rows import SourceFile

_SENTENCES = {
    "UNREADABLE": ("{defect}", "Have the sender send the message again."),
    "COLUMN_COUNT": ("the line does not have as many cells as the header has columns", 
        "Add or remove cells, in the order of docs/file-contracts.md, then replay the row."),
    "TOO_LONG": ("{field} has more than 250 characters", "Shorten it, then replay the row."),
    "MISSING": ("{field} is missing", "Fill it in, then replay the row."),
    "NOT_ALLOWED": ("{field} is {value!r}, which is not one of {allowed}", "Correct it, then replay the row."),
    "NOT_A_DATE": ("{field} is {value!r}, which is no date of the form 2026-01-31", "Correct it, then replay the row."),
    "NOT_A_TIMESTAMP": (
        "{field} is {value!r}, which is no moment with its offset such as 2026-01-31T09:30:00+01:00", "Correct it, then replay the row."),
    "NOT_A_NUMBER": ("{field} is {value!r}, which is no number that fits the column", "Correct it, then replay the row."),
    "NEGATIVE": ("{field} is {value}, and no price of its product line is below zero", "Correct it, then replay the row."),
    "NOT_POSITIVE": ("{field} is {value}, and must be more than zero", "Correct it, then replay the row."),
    "OUT_OF_RANGE": ("{field} is {value}, and must be at least 0 and less than 1", "Correct it, then replay the row."),
    "NOT_A_PART": ("{field} is {value}, and must be from 0 to 1", "Correct it, then replay the row."),
    "OTHER_RATIO": (
        "{field} is {value}, which does not go with the event: a SPLIT or STOCK_DIVIDEND gives more than old_units, a REVERSE_SPLIT fewer",
        "Correct it, then replay the row."),
    "SAME_INSTRUMENT": ("{field} is {value!r}, the instrument that the event is on", "Correct it, then replay the row."),
    "SAME_CURRENCY": ("{field} is {value!r}, the currency the instrument is priced in", "Correct it, then replay the row."),
    "IN_THE_BOOKS": (
        "{field} is {value!r}, and closed dates have trades in the instrument, events on it or events that deliver it, as it was",
        "Record what is right as another instrument, cancel the trades in this one, withdraw the events that name it, and book both anew"
        " with that."),
    "OTHER_FIRM": (
        "{field} is {value!r}, and the books here are those of another firm",
        "Correct it if the same firm is meant, then replay the row; another firm needs an installation of its own."),
    "OTHER_BASE_CURRENCY": (
        "{field} is {value!r}, and closed dates have books in another currency",
        "Correct it, then replay the row; books in another base currency need an installation of their own."),
    "OTHER_UNDERLYING": ("{field} is {value!r}, which is not the underlying of the option", "Correct it, then replay the row."),
    "UNDERLYING_NOT_KEPT": (
        "{field} is {value!r}, which pays interest or exchanges currencies: options on it are not kept",
        "Correct it if it is wrong; else book what an exercise brings as a trade in it at the strike, and keep the option elsewhere."),
    "NOT_EXPECTED": ("{field} is {value!r}, and must be empty for this event", "Correct it, then replay the row."),
    "NOT_OF_THE_LINE": (
        "{field} is {value!r}, which cannot happen to an instrument of its product line",
        "Correct the event or the instrument it is on, then replay the row; what can happen stands in the procedure of the line."),
    "NOT_AN_OPEN_DEAL": (
        "{field} is {value!r}, which is no open deal: its rate and its end stand in its own row of instruments.csv",
        "Name the open deal that is meant, or state the instrument anew in instruments.csv, then replay the row."),
    "NOT_ONE": ("{field} is {value}, and the trade is in the firm's base currency", "Leave it empty, then replay the row."),
    "NOT_A_PERCENTAGE": ("{field} is {value}, and must be at least 0 and at most 100", "Correct it, then replay the row."),
    "BELOW_THE_FLOOR": ("{field} {value} lies below the rate floor", "Correct it, then replay the row."),
    "OUT_OF_BOUNDS": ("{field} is {value}, and must be a number of business days from 0 to 1000", "Correct it, then replay the row."),
    "UNKNOWN_REFERENCE": ("{field} is {value!r}, which is not on record", "Record it first, then replay the row unchanged."),
    "CHECK_DIGITS": ("{field} is {value!r}, whose check digits do not hold", "Correct it, then replay the row."),
    "OTHER_CURRENCY": ("{field} is {value!r}, which is not the instrument's currency", "Correct it, then replay the row."),
    "WRONG_VERSION": (
        "version {value} does not go with the event: NEW is version 1, AMEND and CANCEL count up from 2",
        "Correct it, then replay the row."),
    "BEFORE_TRADE_DATE": ("{field} {value} lies before the trade date", "Correct it, then replay the row."),
    "NOT_BEFORE_VALUE_DATE": (
        "{field} {value} is not before the value date of the forward", "Deal it as fx_spot with its settlement date, or correct it."),
    "NOT_AFTER_ITS_TRADES": (
        "{field} {value} is not after the date of every trade in the forward that is in the books or waits for its release",
        "Correct it; or have those trades cancelled, amended to an earlier trade date or refused, then replay the row."),
    "OTHER_VALUE_DATE": (
        "{field} is {value}, which is not the value date of the forward",
        "Leave it empty, or book the trade in the instrument of that date."),
    "TRADED_NO_MORE": (
        "{field} {value} is too late: the instrument is repaid by the time a trade of that day settles in its market",
        "Correct the date or the instrument; if the instrument runs longer, deliver its maturity_date in instruments.csv, or what holds of"
        " its end in open_deal_terms.csv, then replay the row."),
    "NOT_BEFORE_REPAYMENT": (
        "{field} {value} is not before the day on which the instrument is repaid",
        "Correct the date or the instrument; if the instrument runs longer, deliver its maturity_date in instruments.csv, or what holds of"
        " its end in open_deal_terms.csv, then replay the row."),
    "AFTER_INTEREST_DATE": (
        "{field} {value} lies beyond a coupon or repayment of the bond that a trade of its trade date settles before in its market",
        "Leave it empty if the trade settles as its market does; otherwise book it on the first trade date that its market settles after"
        " the coupon or repayment."),
    "AFTER_EXPIRY": (
        "{field} {value} is after the day on which the instrument expires",
        "Correct the date or the instrument; if the instrument runs longer, deliver its expiry_date in instruments.csv, then replay the"
        " row."),
    "NOT_PRICED": (
        "{field} is {value!r}, a currency forward, which has no price of its own",
        "Deliver forward_rates.csv and discount_factors.csv for it, then dismiss the row."),
    "NOT_AFTER_ITS_DATE": ("{field} {value} is not after the date that it is quoted on", "Correct it, then replay the row."),
    "BEFORE_ISSUE_DATE": ("{field} {value} is not after the issue date", "Correct it, then replay the row."),
    "BEFORE_EX_DATE": ("{field} {value} lies before the ex date", "Correct it, then replay the row."),
    "NO_SOURCE": ("{field} is {value!r}, which does not begin with its source: CSV~, FIX~ or FODB~", "Correct it, then replay the row."),
    "ALLOCATION_ACCOUNT": ("{field} is {value!r}, an account whose trades are allocated to others", "Correct it, then replay the row."),
    "ALLOCATED": (
        "{field} {value!r} is an allocation, which changes with its block", "Send a new version of the block or of allocations.csv."),
    "IN_THE_FUTURE": ("{field} {value} lies after the business date", "Correct it, or send the row again on its day."),
    "CONFLICT": (
        "the key is on record with other content", "If the new content is right, send it as a new version or with a higher revision."),
}  # fmt: skip


_COLUMNS = "exception_id, file_id, kind, source_system, file_name, line_no, reason_code, field, value, reason, remedy, raw, business_date"


def set_repeats_aside(cursor: psycopg.Cursor[Any], contract: Contract, source: SourceFile, business_date: date) -> None:
    """Take rejected rows that were rejected before, with the same text for the same reason, as known.

    What is captured all day grows, and each capture sees its earlier rows again. Equal rows are counted: a second one of
    the same file is a row of its own, but a FIX execution that is sent twice is one. A restatable fact is reported again
    on another business date.
    """
    content = [column.name for column in contract.columns if column.name != "source_sequence"]
    cursor.execute(
        sql.SQL(
            """
            update pg_temp.judged set error = 'KNOWN'
            from (
                select line_no, split_part(error, ':', 1) as reason_code, nullif(split_part(error, ':', 2), '') as field,
                    row_number() over (partition by shown, error order by line_no) as place,
                    row_number() over (partition by error, {content} order by line_no) as repeat
                from pg_temp.judged where error <> 'KNOWN'
            ) as rejected
            where judged.line_no = rejected.line_no and (
                rejected.place <= (
                    select count(*) from operations.exceptions as earlier
                    where earlier.raw = judged.shown and earlier.kind = %(kind)s and earlier.source_system = %(source)s
                        and earlier.reason_code = rejected.reason_code
                        and earlier.field is not distinct from rejected.field
                        and (earlier.business_date = %(business_date)s or not %(is_restatable)s)
                )
                or (%(source)s = 'FIX' and rejected.repeat > 1 and rejected.reason_code <> 'UNREADABLE')
            )
            """
        ).format(content=sql.SQL(", ").join(map(sql.Identifier, content))),
        {
            "kind": contract.kind,
            "source": source.source_system,
            "business_date": business_date,
            "is_restatable": contract.is_restatable,
        },
    )


def record_exceptions(cursor: psycopg.Cursor[Any], contract: Contract, source: SourceFile, file_id: str, business_date: date) -> int:
    """Put the rejected rows of a file on record, each with a sentence and a remedy.

    Returns:
        How many there are.
    """
    names = [column.name for column in contract.columns]
    cursor.execute(
        sql.SQL("select line_no, shown, error, defect, {} from pg_temp.judged where error <> 'KNOWN' order by line_no").format(
            sql.SQL(", ").join(map(sql.Identifier, names))
        )
    )
    rejected = cursor.fetchall()
    with cursor.copy(f"copy operations.exceptions ({_COLUMNS}) from stdin") as copy:
        for line_no, shown, error, defect, *cells in rejected:
            code, _, field = error.partition(":")
            value = dict(zip(names, cells, strict=True)).get(field)
            reason, remedy = _explanation(contract, source, code, field, value, defect)
            copy.write_row(
                (_exception_id(file_id, line_no, code), file_id, contract.kind, source.source_system, source.file_name, line_no,
                 code, field or None, value, f"{source.file_name}, line {line_no}: {reason}.", remedy, shown, business_date)
            )  # fmt: skip
    return len(rejected)


def _exception_id(file_id: str, line_no: int, reason_code: str) -> str:
    return hashlib.md5(f"{file_id}|{line_no}|{reason_code}".encode(), usedforsecurity=False).hexdigest()


def _explanation(contract: Contract, source: SourceFile, code: str, field: str, value: str | None, defect: str | None) -> tuple[str, str]:
    reason, remedy = _SENTENCES[code]
    tag = TAGS.get(field) if source.source_system == "FIX" else None
    allowed = ", ".join(contract.column(field).allowed) if code == "NOT_ALLOWED" else ""
    name = f"{field} (tag {tag})" if tag else field
    return reason.format(field=name, value=value, allowed=allowed, defect=defect), remedy
