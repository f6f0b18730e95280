"""A small firm and the means to deliver files to it."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.messages.contracts import CONTRACTS
from posttrade.offices import front_office
from posttrade.records.database import Role, engine
from posttrade.settings import get_settings

MONDAY, TUESDAY, WEDNESDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)
FIRM = {
    "desks": ["EQ,Equities"],
    "books": ["BK,Book,EQ,1000,1000"],
    "counterparties": ["CU,Custodian,,DEUTDEFF,CUSTODIAN"],
    "accounts": ["AC,Own account,,CU"],
    "instruments": ["SAP,,SAP,equity,EUR,XETR,DE,,,,,,"],
}


def deliver(day: date, kind: str, rows: Sequence[str], name: str = "", header: str = "") -> None:
    """Put a file with a right control total into the folder of a business date."""
    contract = CONTRACTS[kind]
    columns = header or ",".join(contract.orders[1])
    total = ""
    if kind == "trades":
        cells = [row.split(",")[14] for row in rows]
        total = f",quantity,{sum(int(cell) for cell in cells if cell.isdigit())}"
    path = get_settings().inbox / day.isoformat() / (name or f"{kind}.csv")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([columns, *rows, f"#control,rows,{len(rows)}{total}"]) + "\n")


def trade(trade_id: str, version: int = 1, event: str = "NEW", **changes: str) -> str:
    """A line of a trades file; a cancellation carries its identity only."""
    if event == "CANCEL":
        return f"{trade_id},{version},CANCEL" + "," * 15
    cells = {
        "execution_id": "", "trade_date": "2026-01-05", "executed_at": "2026-01-05T09:00:00Z", "source_sequence": "",
        "settlement_date": "", "book_id": "BK", "account_id": "AC", "trader_id": "", "counterparty_id": "",
        "instrument_id": "SAP", "side": "BUY", "quantity": "10", "price": "5", "currency_code": "EUR", "fee_amount": "0",
    } | changes  # fmt: skip
    return f"{trade_id},{version},{event}," + ",".join(cells.values())


def loader() -> sqlalchemy.Engine:
    return engine(Role.LOADER)


def found(statement: str) -> list[tuple[Any, ...]]:
    with loader().connect() as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def open_firm() -> None:
    for kind, rows in FIRM.items():
        deliver(MONDAY, kind, rows)
    assert front_office.record_reference_data(MONDAY, loader())["rejected"] == 0


def record_trades(day: date, rows: Sequence[str], name: str = "trades.csv") -> dict[str, int]:
    deliver(day, "trades", rows, name)
    return front_office.record_trades(day, loader())
