"""Trades end in the same books whatever the order and repetition of what arrives."""

import sqlite3
from contextlib import closing
from itertools import permutations
from pathlib import Path

import pytest
from integration.conftest import STEPS, close_day
from integration.recorded_dbt import recorded_dbt
from integration.small_firm import SmallFirm
from integration.small_firm import trade as small_trade
from loading_helpers import MONDAY, TUESDAY, found, loader, open_firm, record_trades, trade
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from posttrade.errors import PosttradeError
from posttrade.messages.contracts import TRADES
from posttrade.offices import front_office
from posttrade.records.checks import judge_statement, parse_statement
from posttrade.records.database import Role, engine
from posttrade.records.ends import gather_ends
from posttrade.settings import get_settings

pytestmark = pytest.mark.usefixtures("fresh_database")


def test_two_identical_fills_are_two_and_their_repeat_is_none() -> None:
    open_firm()
    assert record_trades(MONDAY, [trade(""), trade("")])["recorded"] == 2
    counts = record_trades(MONDAY, [trade(""), trade(""), trade("", price="6")], "trades_b.csv")
    assert (counts["recorded"], counts["known"]) == (1, 2)


def test_equal_fills_that_the_source_numbers_are_told_apart_across_files() -> None:
    open_firm()
    record_trades(MONDAY, [trade("", source_sequence="1")])
    assert record_trades(MONDAY, [trade("", source_sequence="2")], "trades_b.csv")["recorded"] == 1
    assert record_trades(MONDAY, [trade("", source_sequence="02")], "trades_c.csv")["known"] == 1


def test_what_was_rejected_is_reported_once_however_often_it_is_captured() -> None:
    open_firm()
    bad = trade("", book_id="NO")
    assert record_trades(MONDAY, [bad, bad])["rejected"] == 2
    counts = record_trades(MONDAY, [bad, bad, trade("T2")], "trades_b.csv")
    assert counts == {"recorded": 1, "known": 2, "rejected": 0, "refused": 0}
    assert record_trades(MONDAY, [bad, bad, bad], "trades_c.csv")["rejected"] == 1
    assert found("select count(*) from operations.exceptions") == [(3,)]


def test_a_rejected_execution_that_is_sent_twice_is_one_exception() -> None:
    open_firm()
    path = get_settings().inbox / MONDAY.isoformat() / "orders.fix"
    unknown = [_report(5, "E2", "F", "", repeat, "NO") for repeat in ("", "43=Y|", "97=Y|")]
    path.write_text("".join(unknown))
    counts = front_office.record_trades(MONDAY, loader())
    assert (counts["rejected"], counts["known"]) == (1, 2)


def test_executions_from_outside_that_lack_a_book_are_one_exception(shared_cases: Path) -> None:
    open_firm()
    outside = (shared_cases / "messages/fix44-er-150F-repeated-execid.fix").read_text()
    folder = get_settings().inbox / MONDAY.isoformat()
    (folder / "outside.fix").write_text(outside)
    counts = front_office.record_trades(MONDAY, loader())
    assert counts == {"recorded": 0, "known": 3, "rejected": 1, "refused": 0}
    # A row states its first fault: without tags 75 and 60 nobody knows when it was traded.
    assert found("select line_no, reason_code, field, reason from operations.exceptions") == [
        (1, "MISSING", "trade_date", "outside.fix, line 1: trade_date (tag 75 or 60) is missing.")
    ]
    (folder / "outside_b.fix").write_text((shared_cases / "messages/fix44-er-150G-trade-correct.fix").read_text())
    assert front_office.record_trades(MONDAY, loader())["rejected"] == 1
    assert found("select reason_code from operations.exceptions order by 1") == [("MISSING",), ("UNREADABLE",)]


def test_the_front_office_table_is_pulled_as_it_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_firm()
    # A home with characters that mean something in an address.
    monkeypatch.setenv("POSTTRADE_INBOX_DIR", str(tmp_path / "in box #1?"))
    get_settings.cache_clear()
    get_settings().inbox.mkdir()
    with closing(sqlite3.connect(get_settings().inbox / "front_office.sqlite")) as connection:
        columns = [*TRADES.orders[1], "business_date"]
        connection.execute(f"create table front_office_trades ({', '.join(columns)})")
        results = []
        for line in (trade("T1"), trade("T2", book_id="NO"), trade("T3")):
            values = [value or None for value in line.split(",")]
            values[6] = str(len(results) + 1)
            marks = ", ".join("?" * len(columns))
            connection.execute(f"insert into front_office_trades values ({marks})", [*values, MONDAY.isoformat()])
            connection.commit()
            results.append(list(front_office.record_trades(MONDAY, loader()).values()))
    assert results == [[1, 0, 0, 0], [0, 1, 1, 0], [1, 2, 0, 0]]
    assert not any(front_office.record_trades(MONDAY, loader()).values())


def test_a_trade_is_found_by_the_index_whatever_the_order_of_the_keys() -> None:
    open_firm()
    record_trades(MONDAY, [trade("T1")])
    with loader().connect() as connection:
        driver = connection.connection.driver_connection
        cursor = driver.cursor()
        cursor.execute("set local enable_seqscan = off")
        cursor.execute("create temp table arrived (line_no bigint, raw text, cells text, defect text)")
        cursor.execute(parse_statement(TRADES, tuple(column.name for column in TRADES.columns)))
        gather_ends(connection, MONDAY)
        parameters = {"business_date": MONDAY, "source": "CSV"}
        cursor.execute(sql.SQL("explain ") + judge_statement(cursor, TRADES), parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    # The faulty plan walks the same index by version and compares every trade id with every row.
    assert "Index Cond: ((trade_id = " in plan


def test_a_version_with_other_content_is_a_conflict() -> None:
    open_firm()
    record_trades(MONDAY, [trade("T1")])
    counts = record_trades(MONDAY, [trade("T1", quantity="11"), trade("T1", price="5.00")], "trades_b.csv")
    assert (counts["recorded"], counts["rejected"]) == (0, 2)
    counts = record_trades(MONDAY, [trade("T1", price="5.00")], "trades_c.csv")
    assert (counts["known"], counts["rejected"]) == (1, 0)


def test_events_before_their_original_wait_in_sight() -> None:
    open_firm()
    record_trades(MONDAY, [trade("T1", 3, "CANCEL")])
    assert found("select trade_id, version from operations.waiting_trade_events") == [("CSV~T1", 3)]
    record_trades(MONDAY, [trade("T1", 2, "AMEND", price="6"), trade("T1")], "trades_b.csv")
    assert found("select trade_id from operations.waiting_trade_events") == []


def _report(number: int, execution: str, kind: str, reference: str, repeat: str = "", instrument: str = "SAP") -> str:
    body = f"35=8|34={number}|{repeat}17={execution}|150={kind}|" + (f"19={reference}|" if reference else "")
    body += f"526=BK|1=AC|55={instrument}|54=1|32={number}|31=5|15=EUR|75=20260105|60=20260105-09:00:00|"
    framed = f"8=FIX.4.4|9={len(body)}|{body}".replace("|", "\x01")
    return f"{framed}10={sum(framed.encode()) % 256:03d}\x01\n"


CHAIN = (("E1", "F", ""), ("E2", "G", "E1"), ("E3", "G", "E2"), ("E4", "H", "E3"))


@pytest.mark.parametrize("order", [*permutations(range(4))][::5])
def test_a_chain_in_separate_files_is_one_trade_in_any_order(order: tuple[int, ...]) -> None:
    open_firm()
    folder = get_settings().inbox / MONDAY.isoformat()
    for place in (*order, order[0]):
        (folder / f"drop_{place}.fix").write_text(_report(place + 1, *CHAIN[place]))
        front_office.record_trades(MONDAY, loader())
    (folder / "again.fix").write_text("".join(_report(place + 1, *CHAIN[place]) for place in order))
    assert front_office.record_trades(MONDAY, loader())["recorded"] == 0
    assert found("select version, event_type, quantity::integer from books.trade_versions where trade_id = 'FIX~E1' order by 1") == [
        (1, "NEW", 1), (2, "AMEND", 2), (3, "AMEND", 3), (4, "CANCEL", None),
    ]  # fmt: skip
    assert found("select trade_id from operations.waiting_trade_events") == []
    assert found("select reason from operations.exceptions") == []


def test_a_date_is_closed_only_when_its_trades_are_booked_and_takes_none_afterwards() -> None:
    firm = SmallFirm()
    firm.day(MONDAY, [small_trade("1", MONDAY, 10, "5")], {"I": "5"})
    for step, role in STEPS:
        if step.__name__ == "close_business_date":
            # came in between the build and the close
            firm.deliver(TUESDAY, "trades", [small_trade("3", TUESDAY, 1, "5")])
            front_office.record_trades(TUESDAY, loader())
            with pytest.raises(PosttradeError, match="1 trades of 2026-01-06 came in after its books were built, the first of them CSV~3"):
                step(TUESDAY, engine(role))
        else:
            with recorded_dbt():
                step(TUESDAY, engine(role))
    close_day(TUESDAY)
    assert found("select sum(quantity) from books.trade_versions") == [(11,)]
    with engine(Role.AUDITOR).connect() as connection:
        assert connection.scalar(text("select traded_quantity from marts.fct_positions where business_date = '2026-01-06'")) == 11
    with pytest.raises(IntegrityError, match="the business date 2026-01-06 is closed"), loader().begin() as connection:
        connection.execute(
            text(
                "insert into books.prices (instrument_id, price_date, price, currency_code, business_date, revision, content_sha, file_id,"
                " line_no) values ('I', '2026-01-06', 1, 'USD', '2026-01-06', 9, 'x', 'f', 1)"
            )
        )
