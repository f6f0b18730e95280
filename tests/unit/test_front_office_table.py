"""The table of a front-office database is read row by row, in order, without touching a number."""

import sqlite3
from datetime import date
from pathlib import Path

import pytest

from posttrade.errors import PosttradeError
from posttrade.messages.contracts import TRADES
from posttrade.messages.front_office_table import pull_trades
from posttrade.messages.rows import SEPARATOR, Row

COLUMNS = TRADES.orders[0]
MONDAY = date(2026, 1, 5)
TRADE = {
    "trade_id": "T1", "version": "1", "event_type": "NEW", "trade_date": "2026-01-05", "executed_at": "2026-01-05T09:00:00Z",
    "source_sequence": "1", "book_id": "BK", "account_id": "AC", "instrument_id": "SAP", "side": "BUY",
    "quantity": "10", "price": "0.10", "currency_code": "EUR", "fee_amount": "0",
}  # fmt: skip


def _table(path: Path, *rows: dict[str, object]) -> str:
    with sqlite3.connect(path) as connection:
        connection.execute(f"create table if not exists front_office_trades ({', '.join(COLUMNS)}, business_date text)")
        for row in rows:
            values = [row.get(name) for name in (*COLUMNS, "business_date")]
            connection.execute(f"insert into front_office_trades values ({', '.join('?' * len(values))})", values)
    connection.close()
    return f"sqlite:///{path}"


def _cells(row: Row) -> dict[str, str]:
    return dict(zip(COLUMNS, row.cells.split(SEPARATOR), strict=True))


def test_the_rows_of_one_date_come_in_the_order_of_the_source(tmp_path: Path) -> None:
    url = _table(
        tmp_path / "table.sqlite",
        {**TRADE, "trade_id": "T2", "source_sequence": 2, "business_date": "2026-01-05"},
        {**TRADE, "source_sequence": 1, "business_date": "2026-01-05"},
        {**TRADE, "trade_id": "T3", "source_sequence": 3, "business_date": "2026-01-06"},
    )
    assert [_cells(row)["trade_id"] for row in pull_trades(url, MONDAY).rows] == ["T1", "T2"]


def test_a_table_may_lack_the_columns_that_a_file_may_leave_out(tmp_path: Path) -> None:
    path = tmp_path / "table.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"create table front_office_trades ({', '.join(TRADES.orders[1])}, business_date text)")
        names = [*TRADE, "business_date"]
        connection.execute(
            f"insert into front_office_trades ({', '.join(names)}) values ({', '.join('?' * len(names))})", [*TRADE.values(), "2026-01-05"]
        )
    connection.close()
    (found,) = pull_trades(f"sqlite:///{path}", MONDAY).rows
    assert (_cells(found)["trade_id"], _cells(found)["fx_rate"], _cells(found)["closes_trade_id"]) == ("T1", "", "")


def test_values_become_the_text_of_a_trades_file(tmp_path: Path) -> None:
    row = {**TRADE, "quantity": 10, "price": 0.1, "trader_id": 'a "b", c\nd', "business_date": "2026-01-05"}
    (found,) = pull_trades(_table(tmp_path / "table.sqlite", row), MONDAY).rows
    cells = _cells(found)
    assert (cells["quantity"], cells["price"], cells["counterparty_id"]) == ("10", "0.1", "")
    assert cells["trader_id"] == 'a "b", c d'
    assert '"a ""b"", c d"' in found.raw


def test_equal_content_has_one_hash_and_other_content_another(tmp_path: Path) -> None:
    hashes = []
    for name, quantity in (("a", "10"), ("b", "10"), ("c", "11")):
        url = _table(tmp_path / name, {**TRADE, "quantity": quantity, "business_date": "2026-01-05"})
        source = pull_trades(url, MONDAY)
        list(source.rows)
        hashes.append(source.sha256)
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("url", ["sqlite:///{folder}/empty.sqlite", "sqlite:///{folder}/no/such.sqlite", "nonsense"])
def test_a_table_that_cannot_be_read_is_one_clear_sentence(tmp_path: Path, url: str) -> None:
    with pytest.raises(PosttradeError, match="front"):
        list(pull_trades(url.format(folder=tmp_path), MONDAY).rows)
