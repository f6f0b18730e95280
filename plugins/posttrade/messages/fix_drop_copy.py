"""Reads a FIX 4.4 drop copy: ExecutionReports become trade rows. Tags: FIX 4.4 specification with errata 20030618; CustodialLotID (1752) is
of FIX 5.0 SP2, extension pack 127 (specific lot allocation), and may stand in a message of FIX 4.4 by agreement with its sender."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from posttrade.messages.contracts import TRADES
from posttrade.messages.rows import SEPARATOR, RefusedFile, Row, SourceFile

SOH = "\x01"
COLUMNS = tuple(column.name for column in TRADES.columns)
EVENT_TYPES = {"F": "NEW", "G": "AMEND", "H": "CANCEL"}
SIDES = {"1": "BUY", "2": "SELL", "3": "BUY", "4": "SELL", "5": "SELL", "6": "SELL"}
EXECUTION_REPORT = "8"
BEGIN_STRING = "FIX.4.4"
REPLACED_EXEC_TYPES = frozenset({"1", "2"})
"""Partial fill and fill of FIX 4.2; FIX 4.4 says 150=F for both."""

TAGS = {
    "trade_id": "17", "execution_id": "17", "version": "19", "event_type": "150", "trade_date": "75 or 60", "executed_at": "60",
    "source_sequence": "34", "settlement_date": "64", "book_id": "526", "account_id": "1", "trader_id": "448 with 452=12",
    "counterparty_id": "448 with 452=17", "instrument_id": "48 or 55", "side": "54", "quantity": "32", "price": "31",
    "currency_code": "15", "fee_amount": "12", "closes_trade_id": "1752",
}  # fmt: skip
"""Where each column of a trade comes from."""
PARTY_ROLE_TRADER, PARTY_ROLE_CONTRA_FIRM = "12", "17"
CUSTODIAL_LOT = "1752"

DATA_LENGTH_TAGS = frozenset({"93", "95", "212", "348", "350", "352", "354", "356", "358", "360", "362", "364"})
"""Tags that state the length of the data field after them, which may hold the delimiter."""

FindTrades = Callable[[Collection[str]], Mapping[str, tuple[str, int]]]
"""Gives the root execution and version of those executions that are on record already."""


@dataclass(frozen=True)
class FixMessage:
    """One message: its fields, what is wrong with its frame, and the lots it names."""

    line_no: int
    raw: str
    fields: dict[str, str]
    parties: dict[str, str]
    defect: str
    lots: frozenset[str] = frozenset()


def read_drop_copy(path: Path, find_trades: FindTrades) -> SourceFile:
    """Read a drop copy, one message a line; `|` is accepted in place of SOH.

    A trade is named by its first execution; a correction (150=G) or cancellation (150=H) refers to the execution before it
    (tag 19) and counts one version up. Repeats, marked with PossDupFlag or PossResend or not at all, become equal rows and are
    recorded once.

    Args:
        path: the file.
        find_trades: looks earlier executions up on record.

    Raises:
        RefusedFile: the file is empty.
    """
    body = path.read_bytes()
    if not body.strip():
        raise RefusedFile("the file is empty")
    messages = [parse_message(line_no, line.rstrip(b"\r")) for line_no, line in enumerate(body.split(b"\n"), start=1) if line.strip()]
    return SourceFile(
        "trades",
        "FIX",
        path.name,
        hashlib.sha256(body).hexdigest(),
        len(body),
        COLUMNS,
        trade_rows(messages, find_trades),
    )


def parse_message(line_no: int, message: bytes | str, is_vouched: bool = False) -> FixMessage:
    """The fields of one message; a broken frame is stated in `defect`.

    Lengths and checksums count bytes. Text that is not UTF-8 is read as Latin-1: no byte is lost and none stops the message.

    Args:
        line_no: its line in the file.
        message: as it arrived.
        is_vouched: a person has corrected it and answers for it, so its length and checksum no longer have to hold.
    """
    body = message.encode() if isinstance(message, str) else message
    try:
        line = body.decode("utf-8").strip(" \t")
    except UnicodeDecodeError:
        line = body.decode("latin-1").strip(" \t")
    delimiter = SOH if SOH in line else "|"
    fields: dict[str, str] = {}
    parties: dict[str, str] = {}
    lots: set[str] = set()
    party = ""
    if SEPARATOR in line:
        return FixMessage(line_no, line, fields, parties, "it holds the control character 0x1f")
    for part in _parts(line, delimiter):
        tag, equals, value = part.partition("=")
        if not equals or not (tag.isascii() and tag.isdigit()):
            return FixMessage(line_no, line, fields, parties, f"{part!r} is no field of the form tag=value")
        if tag == "448":
            party = value
        elif tag == "452":
            parties[value] = party
        elif tag == CUSTODIAL_LOT:
            lots.add(value)
        fields.setdefault(tag, value)
    return FixMessage(
        line_no,
        line,
        fields,
        parties,
        _header_defect(fields)
        or ("" if is_vouched else _frame_defect(body.strip(b" \t").replace(delimiter.encode(), SOH.encode()), fields)),
        frozenset(lots),
    )


def _parts(line: str, delimiter: str) -> Iterator[str]:
    start, data_length = 0, 0
    while start < len(line):
        head = line.find("=", start) + 1 + data_length if data_length else start
        end = line.find(delimiter, head)
        end = len(line) if end < 0 else end
        part = line[start:end]
        yield part
        tag, _, value = part.partition("=")
        data_length = int(value) if tag in DATA_LENGTH_TAGS and value.isascii() and value.isdigit() and len(value) < 10 else 0
        start = end + 1


def _header_defect(fields: Mapping[str, str]) -> str:
    if fields.get("8", BEGIN_STRING) != BEGIN_STRING:
        return f"tag 8 states {fields['8']} and only {BEGIN_STRING} is read"
    return "" if fields.get("35") else "tag 35 (MsgType) is missing"


def _frame_defect(line: bytes, fields: dict[str, str]) -> str:
    trailer = line.rfind(b"\x0110=")
    head = re.match(rb"8=[^\x01]*\x019=([0-9]{1,9})\x01", line)
    if trailer < 0 or head is None:
        return "it does not begin with tags 8 and 9 and end with tag 10"
    if b"\x01" in line[trailer + 1 :].strip(b"\x01"):
        return "fields follow the checksum in tag 10"
    length = trailer + 1 - head.end()
    if length != int(head.group(1)):
        return f"tag 9 states a body of {int(head.group(1))} bytes and it has {length}"
    checksum = sum(line[: trailer + 1]) % 256
    if f"{checksum:03d}" != fields.get("10", "").strip():
        return f"tag 10 states the checksum {fields.get('10')} and it is {checksum:03d}"
    return ""


def trade_rows(messages: list[FixMessage], find_trades: FindTrades) -> Iterator[Row]:
    """The trade rows of the messages; session messages and reports without a fill bring none."""
    reports = [message for message in messages if message.fields.get("35") == EXECUTION_REPORT]
    refers_to = {
        message.fields["17"]: message.fields["19"]
        for message in reports
        if not message.defect and message.fields.get("150") in ("G", "H") and "17" in message.fields and message.fields.get("19")
    }
    known = find_trades(set(refers_to.values()))
    for message in messages:
        if message.defect:
            yield Row(message.line_no, message.raw, "", f"the message cannot be trusted: {message.defect}")
        elif message.fields["35"] == EXECUTION_REPORT:
            kind = message.fields.get("150", "")
            if kind in EVENT_TYPES:
                yield _trade_row(message, refers_to, known)
            elif not kind:
                yield Row(message.line_no, message.raw, "", "tag 150 (ExecType) is missing")
            elif kind in REPLACED_EXEC_TYPES:
                yield Row(message.line_no, message.raw, "", f"tag 150 (ExecType) is {kind}; FIX 4.4 states a fill as F")


def _trade_row(message: FixMessage, refers_to: Mapping[str, str], known: Mapping[str, tuple[str, int]]) -> Row:
    fields = message.fields
    event_type = EVENT_TYPES[fields["150"]]
    execution = fields.get("17", "")
    if not execution:
        return Row(message.line_no, message.raw, "", "tag 17 (ExecID) is missing")
    if event_type != "NEW" and not fields.get("19"):
        return Row(message.line_no, message.raw, "", "tag 19 (ExecRefID) is missing from a correction or cancellation")
    if len(message.lots) > 1:
        named = ", ".join(sorted(message.lots))
        defect = f"tag 1752 (CustodialLotID) names more lots than one ({named}), and a trade closes one"
        return Row(message.line_no, message.raw, "", defect)
    root, version = _root_and_version(execution, event_type, refers_to, known)
    cells = {
        "trade_id": root,
        "version": str(version),
        "event_type": event_type,
        "execution_id": execution,
    }
    if event_type != "CANCEL":
        cells |= {
            "trade_date": _date(fields.get("75", "") or fields.get("60", "")[:8]),
            "executed_at": _moment(fields.get("60", "")),
            "source_sequence": fields.get("34", ""),
            "settlement_date": _date(fields.get("64", "")),
            "book_id": fields.get("526", ""),
            "account_id": fields.get("1", ""),
            "trader_id": message.parties.get(PARTY_ROLE_TRADER, ""),
            "counterparty_id": message.parties.get(PARTY_ROLE_CONTRA_FIRM, ""),
            "instrument_id": fields.get("48", "") or fields.get("55", ""),
            "side": SIDES.get(fields.get("54", ""), fields.get("54", "")),
            "quantity": fields.get("32", ""),
            "price": fields.get("31", ""),
            "currency_code": fields.get("15", ""),
            "fee_amount": fields.get("12", "") or "0",
            "closes_trade_id": fields.get(CUSTODIAL_LOT, ""),
        }
    return Row(message.line_no, message.raw, SEPARATOR.join(cells.get(name, "") for name in COLUMNS))


def _root_and_version(
    execution: str, event_type: str, refers_to: Mapping[str, str], known: Mapping[str, tuple[str, int]]
) -> tuple[str, int]:
    if event_type == "NEW":
        return execution, 1
    depth, current, seen = 1, execution, {execution}
    while current in refers_to and refers_to[current] not in seen:
        current = refers_to[current]
        seen.add(current)
        depth += 1
    on_record = known.get(current)
    return (on_record[0], on_record[1] + depth - 1) if on_record else (current, depth)


def _date(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if re.fullmatch(r"\d{8}", text) else text


def _moment(text: str) -> str:
    """UTCTimestamp: 20260105-09:30:00.123 is in UTC by definition."""
    found = re.fullmatch(r"(\d{4})(\d\d)(\d\d)-(\d\d:\d\d:\d\d(?:\.\d+)?)", text)
    return f"{found[1]}-{found[2]}-{found[3]}T{found[4]}+00:00" if found else text
