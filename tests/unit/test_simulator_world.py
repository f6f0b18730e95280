"""The simulated inbox keeps the file contracts and is the same for the same seed."""

import csv
import json
import re
import sqlite3
from datetime import date
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from stdnum import bic, iban, isin, lei

from posttrade.errors import PosttradeError
from posttrade.messages.contracts import CONTRACTS
from posttrade.procedures.schema import traded_product_lines
from posttrade.simulator.files import COLUMNS
from posttrade.simulator.world import write_world

SAMPLE_DAYS = ["2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08", "2026-01-09"]


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("inbox")
    write_world(directory, days=5, trades=600, seed=7)
    return directory


def rows_of(path: Path) -> list[dict[str, str]]:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def fingerprint(directory: Path) -> dict[str, str]:
    """Hash of every file; the database by its rows."""
    hashes = {
        str(path.relative_to(directory)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.suffix != ".sqlite"
    }
    connection = sqlite3.connect(directory / "front_office.sqlite")
    rows = connection.execute("select * from front_office_trades order by source_sequence").fetchall()
    connection.close()
    return hashes | {"front_office_trades": sha256(repr(rows).encode()).hexdigest()}


def test_the_dates_are_sessions_of_the_home_calendar(tmp_path: Path) -> None:
    # Good Friday and Easter Monday 2026 are no trading days in Frankfurt.
    dates = write_world(tmp_path, days=3, trades=10, seed=1, first_date=date(2026, 4, 2))
    assert dates == [date(2026, 4, 2), date(2026, 4, 7), date(2026, 4, 8)]


def test_a_seed_chooses_the_world_to_the_byte(inbox: Path, tmp_path: Path) -> None:
    write_world(tmp_path / "again", days=5, trades=600, seed=7)
    write_world(tmp_path / "other", days=5, trades=600, seed=8)
    assert fingerprint(tmp_path / "again") == fingerprint(inbox)
    assert fingerprint(tmp_path / "other") != fingerprint(inbox)


def test_a_world_is_replaced_by_another_but_a_users_files_are_not(tmp_path: Path) -> None:
    write_world(tmp_path / "world", days=3, trades=20, seed=1)
    assert write_world(tmp_path / "world", days=1, trades=20, seed=1) == [date(2026, 1, 5)]
    assert not (tmp_path / "world" / "2026-01-06").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "trades.csv").write_text("precious\n")
    with pytest.raises(PosttradeError, match="holds files that no simulation wrote"):
        write_world(tmp_path / "mine", days=1, trades=20, seed=1)
    assert (tmp_path / "mine" / "trades.csv").read_text() == "precious\n"


@pytest.mark.parametrize(("days", "trades", "currency"), [(0, 10, "EUR"), (1, 0, "EUR"), (1, 10, "XXX")])
def test_an_impossible_world_is_refused_in_a_sentence(tmp_path: Path, days: int, trades: int, currency: str) -> None:
    with pytest.raises(PosttradeError, match=r"Give 1 or more|Choose one of EUR, USD, GBP, CHF"):
        write_world(tmp_path, days=days, trades=trades, seed=1, base_currency=currency)


UNPRICED_LINES = {"fx_spot", "fx_forward", "deposit", "repo", "repo_open"}


@pytest.mark.parametrize("kind", sorted(set(COLUMNS) - {"trades"}))
def test_the_columns_of_a_file_are_those_of_its_contract(kind: str) -> None:
    assert COLUMNS[kind] in CONTRACTS[kind].orders


def test_every_file_has_its_header_and_a_control_line_that_is_right(inbox: Path) -> None:
    paths = sorted(inbox.glob("2026-*/*.csv"))
    assert {path.parent.name for path in paths} == set(SAMPLE_DAYS)
    for path in paths:
        kind = path.stem.removesuffix("_a")
        lines = path.read_text().splitlines()
        assert tuple(lines[0].split(",")) == COLUMNS[kind]
        marker, measure, count, *total = lines[-1].split(",")
        rows = rows_of(path)
        assert (marker, measure, int(count)) == ("#control", "rows", len(rows))
        if kind == "trades":
            quantities = [Decimal(row["quantity"]) for row in rows if row["quantity"].isdecimal()]
            assert total == ["quantity", str(sum(quantities))]


def test_reference_data_refers_to_itself_and_carries_valid_identifiers(inbox: Path) -> None:
    first = inbox / SAMPLE_DAYS[0]
    read = {path.stem: rows_of(path) for path in first.glob("*.csv")}
    ids = {
        column: {row[column] for row in read[kind]}
        for kind, column in (
            ("desks", "desk_id"), ("clients", "client_id"), ("accounts", "account_id"),
            ("cash_accounts", "cash_account_id"),
        )
    }  # fmt: skip
    counterparties = {row["counterparty_id"] for row in read["counterparties"]}
    assert {row["desk_id"] for row in read["books"] + read["traders"]} <= ids["desk_id"]
    assert {row["client_id"] for row in read["accounts"]} - {""} == ids["client_id"]
    assert {row["custodian_id"] for row in read["accounts"]} <= counterparties
    assert {row["cash_account_id"] for row in read["standing_instructions"]} == ids["cash_account_id"]
    custody = {row["account_id"] for row in read["accounts"] if row["account_type"] != "ALLOCATION"}
    assert ids["account_id"] - custody == {"BLOCKS"}
    assert {row["account_id"] for row in read["standing_instructions"]} == custody
    assert {row["account_id"] for row in read["withholding_rates"]} == custody
    for kind in ("firms", "clients", "counterparties"):
        assert all(lei.is_valid(row["lei"]) for row in read[kind])
    assert all(bic.is_valid(row["bic"]) for row in read["clients"] + read["counterparties"])
    assert all(iban.is_valid(row["iban"]) for row in read["clients"] + read["cash_accounts"])
    isins = [row["isin"] for row in read["instruments"] if row["isin"]]
    assert len(set(isins)) == len(isins) == 173
    assert all(isin.is_valid(code) for code in isins)
    assert {row["product_line"] for row in read["instruments"]} == set(traded_product_lines())
    # What has no ISIN is a contract or a deal.
    assert {row["product_line"] for row in read["instruments"] if not row["isin"]} == {
        "future", "option", "fx_spot", "fx_forward", "deposit", "repo", "repo_open",
    }  # fmt: skip


def test_prices_are_there_for_what_trades_but_the_one_left_out(inbox: Path) -> None:
    rows = rows_of(inbox / SAMPLE_DAYS[0] / "instruments.csv")
    instruments = {row["instrument_id"] for row in rows if row["product_line"] not in UNPRICED_LINES}
    planted = json.loads((inbox / "simulation.json").read_text())["planted"]
    # Gone ex, expired, or not issued yet; a fund is valued on the first and the fourth date.
    unpriced = {
        "2026-01-05": {"ROWTR.XETR", "ROWES.XPAR"},
        "2026-01-06": {"ROWES.XPAR", "BALANCED.XLUX"},
        "2026-01-07": {"BALANCED.XLUX", "BILL01.XPAR"},
        "2026-01-08": {"UMBTP77260107.XEUR", "ROWTR.XETR", "KAPLT.XLON", "BILL01.XPAR"},
        "2026-01-09": {
            "UMBTP77260107.XEUR", "UMBTC87260108.XEUR", "EX40W.XEUR", "ROWTR.XETR", "KAPLT.XLON", "BILL01.XPAR", "BALANCED.XLUX",
        },
    }  # fmt: skip
    for day in SAMPLE_DAYS:
        priced = {row["instrument_id"] for row in rows_of(inbox / day / "prices.csv")}
        missing = planted["price_missing"]
        left_out = {missing["instrument_id"]} if day == missing["business_date"] else set()
        assert instruments - priced == unpriced[day] | left_out


def test_quotes_reach_every_forward_that_is_not_due(inbox: Path) -> None:
    forwards = [row for row in rows_of(inbox / SAMPLE_DAYS[0] / "instruments.csv") if row["product_line"] == "fx_forward"]
    for day in SAMPLE_DAYS:
        due_later = [row for row in forwards if row["maturity_date"] > day]
        rates = {
            (row["notional_currency_code"], row["currency_code"], row["rate_date"], row["value_date"])
            for row in rows_of(inbox / day / "forward_rates.csv")
        }
        factors = {(row["currency_code"], row["factor_date"], row["value_date"]) for row in rows_of(inbox / day / "discount_factors.csv")}
        assert rates == {(row["notional_currency_code"], row["currency_code"], day, row["maturity_date"]) for row in due_later}
        assert factors == {(row["currency_code"], day, row["maturity_date"]) for row in due_later}
    assert len(forwards) == 3


def test_an_open_repo_bears_another_rate_and_is_terminated(inbox: Path) -> None:
    told = {day: rows_if_any(inbox / day / "open_deal_terms.csv") for day in SAMPLE_DAYS}
    assert {day: [tuple(row.values()) for row in rows] for day, rows in told.items() if rows} == {
        "2026-01-06": [("REPO OPEN 1", "2026-01-07", "RUNNING", "1.80")],
        "2026-01-08": [("REPO OPEN 1", "2026-01-09", "TERMINATED", "")],
    }


def test_one_price_jumps_and_no_other_does_but_for_an_event(inbox: Path) -> None:
    closes = {
        (row["instrument_id"], row["price_date"]): Decimal(row["price"])
        for day in SAMPLE_DAYS
        for row in rows_of(inbox / day / "prices.csv")
    }
    moves = [
        (instrument, day)
        for earlier, day in pairwise(SAMPLE_DAYS)
        for (instrument, priced), price in closes.items()
        if priced == earlier and (later := closes.get((instrument, day))) and abs(later / price - 1) > Decimal("0.1")
    ]
    jump = json.loads((inbox / "simulation.json").read_text())["planted"]["price_jump"]
    lines = {row["instrument_id"]: row["product_line"] for row in rows_of(inbox / SAMPLE_DAYS[0] / "instruments.csv")}
    # Two for one, one right for each share at half the price, and a company of a fifth of the value spun off.
    gone_ex = [("DAMF.XNYS", "2026-01-06"), ("ROWT.XETR", "2026-01-06"), ("ROWE.XPAR", "2026-01-07")]
    assert sorted(move for move in moves if lines[move[0]] == "equity") == sorted(
        [(jump["instrument_id"], jump["business_date"]), *gone_ex]
    )
    assert {lines[name] for name, _ in moves} == {"equity", "option"}


def test_dividends_are_announced_before_they_go_ex(inbox: Path) -> None:
    announced = [
        (day, row)
        for day in SAMPLE_DAYS
        for row in rows_if_any(inbox / day / "corporate_actions.csv")
        if row["event_type"] == "CASH_DIVIDEND"
    ]
    assert len(announced) >= 4
    for day, row in announced:
        assert day < row["ex_date"] < row["record_date"] < row["pay_date"] or row["ex_date"] == row["record_date"]
    assert any(row["pay_date"] in SAMPLE_DAYS for _, row in announced)


def rows_if_any(path: Path) -> list[dict[str, str]]:
    return rows_of(path) if path.exists() else []


def test_what_was_promised_to_go_wrong_does(inbox: Path) -> None:
    first, second = (rows_of(inbox / day / "trades_a.csv") for day in SAMPLE_DAYS[:2])
    unnamed = [row for row in first if not row["trade_id"]]
    assert len(unnamed) == 2
    assert unnamed[0] == unnamed[1]
    redelivered = [row for row in second if row["trade_id"] and row in first]
    assert len(redelivered) == 1
    messages = (inbox / SAMPLE_DAYS[0] / "orders.fix").read_text().splitlines()
    assert any("\x0143=Y\x01" in message for message in messages)
    for message in messages:
        body, checksum = message[:-7], message[-7:]
        assert checksum == f"10={sum(body.encode()) % 256:03d}\x01"
        head = re.match(r"8=FIX\.4\.4\x019=(\d+)\x01", message)
        assert head is not None
        assert int(head.group(1)) == len(body) - head.end()
    waiting = {row["trade_id"] for row in first if row["event_type"] == "AMEND"} - {
        row["trade_id"] for row in first if row["event_type"] == "NEW"
    }
    assert waiting <= {row["trade_id"] for row in second if row["event_type"] == "NEW"}
