"""CSV files are read whole or refused whole."""

from pathlib import Path

import pytest

from posttrade.messages.contracts import CONTRACTS, TRADES
from posttrade.messages.csv_files import read_csv
from posttrade.messages.rows import SEPARATOR, RefusedFile

TRADE_HEADER = ",".join(column.name for column in TRADES.columns)
FILL = "T1,1,NEW,,2026-01-05,2026-01-05T09:00:00Z,,,B,A,,,I,BUY,{quantity},10,EUR,0"


def _read(tmp_path: Path, kind: str, text: str | bytes) -> list[list[str]]:
    path = tmp_path / f"{kind}.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [row.cells.split(SEPARATOR) for row in read_csv(path, CONTRACTS[kind]).rows]


def test_quotes_line_ends_and_byte_order_mark_are_understood(tmp_path: Path) -> None:
    text = '\ufeffdesk_id,name\r\nEQ,"Equities, ""cash"""\r\nFI,Fixed\u2028Income\r\n#control,rows,2\r\n'
    assert _read(tmp_path, "desks", text) == [["EQ", 'Equities, "cash"'], ["FI", "Fixed\u2028Income"]]


@pytest.mark.parametrize("quantity", ["1e999999999", "NaN", "sNaN", "Infinity", "1_000"])
def test_no_cell_stops_the_control_total(tmp_path: Path, quantity: str) -> None:
    lines = [TRADE_HEADER, FILL.format(quantity="100"), FILL.format(quantity=quantity)]
    assert len(_read(tmp_path, "trades", "\n".join([*lines, "#control,rows,2,quantity,100"]) + "\n")) == 2


def test_the_control_total_counts_what_is_no_number_as_nothing(tmp_path: Path) -> None:
    lines = [TRADE_HEADER, FILL.format(quantity="100.5"), FILL.format(quantity="many"), FILL.format(quantity="")]
    assert len(_read(tmp_path, "trades", "\n".join([*lines, "#control,rows,3,quantity,100.5"]) + "\n")) == 3


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("desks", b"desk_id,name\nEQ,\xff\n", "not UTF-8"),
        ("desks", "", "empty"),
        ("desks", "desk_id\nEQ\n", "lacks the column 'name'"),
        ("desks", "desk_id,name,colour\nEQ,x,red\n", "'colour'"),
        ("desks", "desk_id,name\nEQ,Equi", "cut off"),
        ("desks", "desk_id,name\nEQ,x\n#control,rows,2\n", "states 2 rows and the file holds 1"),
        ("desks", "desk_id,name\nEQ,x\n#control,rows\n", "is not #control"),
        ("trades", f"{TRADE_HEADER}\n{FILL.format(quantity=5)}\n", "control line is missing"),
        ("trades", f"{TRADE_HEADER}\n{FILL.format(quantity=5)}\n#control,rows,1,quantity,sNaN\n", "is not #control"),
        ("trades", f"{TRADE_HEADER}\n{FILL.format(quantity=5)}\n#control,rows,1\n", "sum of quantity"),
        ("trades", f"{TRADE_HEADER}\n{FILL.format(quantity=5)}\n#control,rows,1,quantity,6\n", "add up to 5"),
    ],
)
def test_a_broken_file_is_refused_with_its_reason(tmp_path: Path, kind: str, text: str | bytes, reason: str) -> None:
    with pytest.raises(RefusedFile, match=reason.replace("(", r"\(")):
        _read(tmp_path, kind, text)
