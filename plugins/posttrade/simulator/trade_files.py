"""Three ways in which trades leave the front office: a CSV drop, a FIX 4.4 drop copy, a table of its database."""

import sqlite3
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from posttrade.simulator.files import COLUMNS, LineFile

SOH = "\x01"
FRONT_OFFICE_DATABASE = "front_office.sqlite"
_BUFFERED_ROWS = 20_000
_EVENT_TYPES = {"NEW": "F", "AMEND": "G", "CANCEL": "H"}
_POSSIBLE_DUPLICATE_EVERY = 150


class TradeEvent(NamedTuple):
    """One version of a trade as the front office says it; texts are as written.

    Args:
        trade_id: empty for a fill that the source gives no identity.
        quantity: positive; the side says the direction.
        fee: positive: cost to the book.
    """

    trade_id: str
    version: int
    event_type: str
    trade_date: str
    executed_at: str
    settlement_date: str
    book_id: str
    account_id: str
    trader_id: str
    counterparty_id: str
    instrument_id: str
    side: str
    quantity: str
    price: str
    currency_code: str
    fee: str


class CsvDrop:
    """`trades_a.csv` of a business date, with a control line over rows and quantities."""

    def __init__(self, folder: Path) -> None:
        self._output = LineFile(folder / "trades_a.csv")
        self._output.write(",".join(COLUMNS["trades"]))
        self._row_count = 0
        self._quantity = 0
        self.first_row: tuple[str, int] | None = None

    def write(self, event: TradeEvent) -> None:
        """Adds one event; a cancellation carries only its identity."""
        (
            trade_id, version, event_type, trade_date, executed_at, settlement_date, book, account, trader,
            counterparty, instrument, side, quantity, price, currency, fee,
        ) = event  # fmt: skip
        if event_type == "CANCEL":
            self.write_row(f"{trade_id},{version},CANCEL" + "," * 15, 0)
            return
        sequence = "" if not trade_id else self._row_count + 1
        row = (
            f"{trade_id},{version},{event_type},,{trade_date},{executed_at},{sequence},{settlement_date},{book},{account},"
            f"{trader},{counterparty},{instrument},{side},{quantity},{price},{currency},{fee}"
        )
        self.write_row(row, int(quantity) if quantity.isdecimal() else 0)

    def write_row(self, row: str, quantity: int) -> None:
        """Adds a row exactly as it was delivered before."""
        if self.first_row is None:
            self.first_row = row, quantity
        self._output.write(row)
        self._row_count += 1
        self._quantity += quantity

    def close(self) -> None:
        """Writes the control line and puts the file under its name."""
        self._output.write(f"#control,rows,{self._row_count},quantity,{self._quantity}")
        self._output.close()


class FixDropCopy:
    """`orders.fix` of a business date: ExecutionReports, one a line, some of them sent twice with PossDupFlag."""

    def __init__(self, folder: Path) -> None:
        self._output = LineFile(folder / "orders.fix")
        self._sequence = 0
        self._sent_again: list[tuple[int, str, str]] = []

    def write(self, event: TradeEvent) -> None:
        """Adds one ExecutionReport; corrections and cancellations refer to the execution before them."""
        (
            trade_id, version, event_type, trade_date, executed_at, settlement_date, book, account, trader,
            counterparty, instrument, side, quantity, price, currency, fee,
        ) = event  # fmt: skip
        self._sequence += 1
        execution = trade_id if version == 1 else f"{trade_id}.{version}"
        earlier = "" if version == 1 else f"{SOH}19={trade_id}" + (f".{version - 1}" if version > 2 else "")
        day = trade_date.replace("-", "")
        moment = f"{day}-{executed_at[11:23]}"
        body = (
            f"37=O{trade_id}{SOH}17={execution}{earlier}{SOH}526={book}{SOH}453=2{SOH}448={trader}{SOH}447=D{SOH}452=12"
            f"{SOH}448={counterparty}{SOH}447=D{SOH}452=17{SOH}150={_EVENT_TYPES[event_type]}{SOH}39=2{SOH}1={account}"
            f"{SOH}55={instrument}{SOH}54={'1' if side == 'BUY' else '2'}{SOH}38={quantity}{SOH}15={currency}"
            f"{SOH}32={quantity}{SOH}31={price}{SOH}151=0{SOH}14={quantity}{SOH}6={price}{SOH}75={day}{SOH}60={moment}"
            f"{SOH}12={fee}{SOH}13=3{SOH}64={settlement_date.replace('-', '')}{SOH}"
        )
        self._send(self._sequence, moment, "", body)
        if self._sequence % _POSSIBLE_DUPLICATE_EVERY == 3:
            self._sent_again.append((self._sequence, moment, body))

    def _send(self, sequence: int, moment: str, repeat: str, body: str) -> None:
        message = f"35=8{SOH}49=EXAMPLE_OMS{SOH}56=POSTTRADE{SOH}34={sequence}{SOH}{repeat}52={moment}{SOH}{body}"
        head = f"8=FIX.4.4{SOH}9={len(message)}{SOH}"
        checksum = (sum(head.encode("ascii")) + sum(message.encode("ascii"))) % 256
        self._output.write(f"{head}{message}10={checksum:03d}{SOH}")

    def close(self) -> None:
        """Sends the possible duplicates and puts the file under its name."""
        for sequence, moment, body in self._sent_again:
            self._send(sequence, moment, f"43=Y{SOH}122={moment}{SOH}", body)
        self._output.close()


class FrontOfficeTable:
    """The table `front_office_trades`; decimals are text, so that no binary float touches them.

    Args:
        folder: the folder of the business date; the database lies beside it.
        number: place of the business date, which makes the sequence unique over all days.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self._connection = sqlite3.connect(folder.parent / FRONT_OFFICE_DATABASE)
        self._business_date = folder.name
        self._sequence = number * 100_000_000
        self._rows: list[Sequence[str | int | None]] = []
        columns = ", ".join(f"{name} {'integer' if name in _INTEGERS else 'text'}" for name in _TABLE_COLUMNS)
        self._connection.execute(f"create table if not exists front_office_trades ({columns}, primary key (source_sequence))")
        self._connection.execute("create index if not exists by_business_date on front_office_trades (business_date, source_sequence)")

    def write(self, event: TradeEvent) -> None:
        """Adds one row; a cancellation carries only its identity."""
        (
            trade_id, version, event_type, trade_date, executed_at, settlement_date, book, account, trader,
            counterparty, instrument, side, quantity, price, currency, fee,
        ) = event  # fmt: skip
        self._sequence += 1
        identity = (trade_id, version, event_type)
        if event_type == "CANCEL":
            nothing = [None] * 11
            row: Sequence[str | int | None] = (
                self._business_date, *identity, None, None, None, self._sequence, *nothing,
            )  # fmt: skip
        else:
            row = (
                self._business_date, *identity, f"X{trade_id}.{version}", trade_date, executed_at, self._sequence,
                settlement_date or None, book, account, trader, counterparty, instrument, side, quantity, price,
                currency, fee,
            )  # fmt: skip
        self._rows.append(row)
        if len(self._rows) >= _BUFFERED_ROWS:
            self._flush()

    def close(self) -> None:
        """Commits the day's rows."""
        self._flush()
        self._connection.commit()
        self._connection.close()

    def _flush(self) -> None:
        marks = ", ".join("?" * len(_TABLE_COLUMNS))
        self._connection.executemany(f"insert into front_office_trades values ({marks})", self._rows)
        self._rows.clear()


_TABLE_COLUMNS = ("business_date", *COLUMNS["trades"])
_INTEGERS = frozenset({"version", "source_sequence"})
Sources = tuple[CsvDrop, FixDropCopy, FrontOfficeTable]
_ID_PREFIXES = ("A", "E", "D")


def open_sources(folder: Path, day_no: int) -> Sources:
    """The three sources of a business date, in the order of their source numbers."""
    return CsvDrop(folder), FixDropCopy(folder), FrontOfficeTable(folder, day_no)


def trade_id(source_no: int, day: date, number: int) -> str:
    """The identity a source gives to a trade."""
    return f"{_ID_PREFIXES[source_no]}{day:%Y%m%d}{number:07d}"
