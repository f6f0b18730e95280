"""Reads the CSV files of the inbox: header, rows, control total."""

import csv
import hashlib
import re
from collections.abc import Iterator
from decimal import Decimal, localcontext
from pathlib import Path

from posttrade.messages.contracts import Contract
from posttrade.messages.rows import SEPARATOR, RefusedFile, Row, SourceFile

CONTROL = "#control"
# No exponents: one cell of 1e999999999 would stop the sum, and with it the file.
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(\.[0-9]{0,40})?")


def read_csv(path: Path, contract: Contract) -> SourceFile:
    """Read a file whole and prove its control total before any row of it counts.

    Args:
        path: UTF-8 text: a header line, one line a row, and `#control,rows,<n>[,<column>,<sum>]` at the end. For trades the
            control line must be there with the number of rows and the sum of `quantity`.
        contract: what the file's kind must carry.

    Raises:
        RefusedFile: it is not UTF-8, cut off, lacks a column, or its control total does not hold.
    """
    body = path.read_bytes()
    sha256 = hashlib.sha256(body).hexdigest()
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedFile(f"the text is not UTF-8: byte {body[error.start]:#04x} at position {error.start}") from error
    if not text.strip():
        raise RefusedFile("the file is empty")
    # Only line feeds end a line: names may hold other characters that str.splitlines takes for an end.
    lines = text.replace("\r\n", "\n").split("\n")
    header = tuple(name.strip() for name in _cells(lines[0]))
    _check_header(header, contract)
    last = len(lines)
    while last > 1 and not lines[last - 1].strip():
        last -= 1
    control = _cells(lines[last - 1]) if lines[last - 1].startswith(CONTROL) else None
    if control is None and not text.endswith("\n"):
        raise RefusedFile("the file may be cut off: its last line has no end and there is no control line; end it with a line feed")
    body_lines = lines[1 : last - 1] if control is not None else lines[1:last]
    _check_control(control, header, body_lines, contract)
    return SourceFile(contract.kind, "CSV", path.name, sha256, len(body), header, _rows(body_lines))


def _rows(lines: list[str]) -> Iterator[Row]:
    for line_no, line in enumerate(lines, start=2):
        if line.strip():
            yield row_of(line_no, line)


def row_of(line_no: int, line: str) -> Row:
    """One line of a CSV file as a row."""
    if SEPARATOR in line:
        return Row(line_no, line, "", "it holds the control character 0x1f")
    # Most lines hold no quote, and splitting them is all there is to do.
    return Row(line_no, line, SEPARATOR.join(_cells(line)) if '"' in line else line.replace(",", SEPARATOR))


def _cells(line: str) -> list[str]:
    # A carriage return in the middle of a line is no line end here.
    return next(csv.reader([line.replace("\r", " ")]), [])


def _check_header(header: tuple[str, ...], contract: Contract) -> None:
    known = {column.name for column in contract.columns} | ({"revision"} if contract.is_restatable else set())
    for name in header:
        if name not in known:
            raise RefusedFile(f"the header names the column {name!r}, which {contract.kind} files do not have")
    if len(set(header)) < len(header):
        raise RefusedFile("the header names a column twice")
    missing = sorted(contract.required_header - set(header))
    if missing:
        raise RefusedFile(f"the header lacks the column {missing[0]!r}")


def _check_control(control: list[str] | None, header: tuple[str, ...], lines: list[str], contract: Contract) -> None:
    if control is None:
        if contract.kind == "trades":
            raise RefusedFile("the control line is missing: the file may be cut off")
        return
    try:
        stated = dict(zip(control[1::2], control[2::2], strict=True))
        rows = int(stated.pop("rows"))
        if not all(_PLAIN_NUMBER.fullmatch(total) for total in stated.values()):
            raise ValueError
        sums = {name: Decimal(total) for name, total in stated.items()}
    except (ValueError, KeyError):
        raise RefusedFile(f"the control line {','.join(control)!r} is not #control,rows,<n>,<column>,<sum>") from None
    found = sum(1 for line in lines if line.strip())
    if found != rows:
        raise RefusedFile(f"the control line states {rows} rows and the file holds {found}")
    if contract.kind == "trades" and "quantity" not in sums:
        raise RefusedFile("the control line does not state the sum of quantity")
    for name, total in sums.items():
        if name not in header:
            raise RefusedFile(f"the control line sums the column {name!r}, which the file does not have")
        position = header.index(name)
        added = _sum(lines, position)
        if added != total:
            raise RefusedFile(f"the control line states {total} as the sum of {name} and the rows add up to {added}")


def _sum(lines: list[str], position: int) -> Decimal:
    whole, others = 0, Decimal(0)
    with localcontext(prec=60):
        for line in lines:
            cell = line.split(",", position + 1)[position : position + 1] if '"' not in line else []
            # Most quantities are whole, and whole numbers add up fastest.
            if cell and cell[0].isascii() and cell[0].isdigit():
                whole += int(cell[0])
            else:
                others += _number(line, position)
        return others + whole


def _number(line: str, position: int) -> Decimal:
    """The number in a cell; what is no number counts as nothing and is reported with its row."""
    cells = _cells(line) if '"' in line else line.split(",")
    cell = cells[position].strip() if position < len(cells) else ""
    return Decimal(cell) if _PLAIN_NUMBER.fullmatch(cell) else Decimal(0)
