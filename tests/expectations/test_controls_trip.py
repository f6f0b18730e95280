"""Controls on planted rows: each case shows one that trips its control, and that the same day without it does not."""

import json
from collections.abc import Iterator
from datetime import date

import pytest
import sqlalchemy
from sqlalchemy import text

from posttrade.controls.alerts import update_alerts
from posttrade.controls.build import BUSINESS_DATE_QUERY
from posttrade.controls.catalogue import all_controls
from posttrade.controls.gate import is_blocked
from posttrade.controls.run import ControlResult
from posttrade.records.database import administrator_url

DAY = date(2026, 1, 5)
CONTROLS = {control.control_id: control for control in all_controls()}
TRADE = (
    "insert into books.trade_versions (trade_id, version, event_type, source_system, book_id, account_id, instrument_id, trade_date,"
    " executed_at, quantity, price, currency_code, fee_amount, content_sha, business_date, file_id, line_no) values"
)


def trade(trade_id: str, version: int, event_type: str = "NEW", sha: str = "a") -> str:
    return (
        f"{TRADE} ('{trade_id}', {version}, '{event_type}', 'CSV', 'B', 'A', 'I', '2026-01-05', '2026-01-05T10:00Z', 1, 1, 'EUR', 0,"
        f" '{sha}', '2026-01-05', 'f', {version})"
    )


FILE = (
    "insert into landing.files (file_id, kind, source_system, file_name, sha256, byte_count, row_count, outcome, reason, business_date)"
    " values ('f', 'prices', 'CSV', 'prices.csv', 'x', 1, 10, {outcome}, '2026-01-05')"
)
EXCEPTIONS = (
    "insert into operations.exceptions (exception_id, file_id, kind, source_system, file_name, line_no, reason_code, reason, remedy,"
    " raw, business_date) select 'e' || n, 'f', 'prices', 'CSV', 'prices.csv', n, 'MISSING', 'r', 'm', 'x', '2026-01-05'"
    " from generate_series(1, {count}) as n"
)

# What is planted, which control must see it, and how many causes it must name.
TRIPS = [
    ("file_refused", [FILE.format(outcome="'REFUSED', 'cut off'")], 1),
    ("row_rejected", [FILE.format(outcome="'RECORDED', null"), EXCEPTIONS.format(count=2)], 2),
    ("many_rows_rejected", [FILE.format(outcome="'RECORDED', null"), EXCEPTIONS.format(count=6)], 1),
    ("trade_waits_for_original", [trade("CSV~1", 2, "AMEND")], 1),
    ("trade_version_gap", [trade("CSV~1", 1), trade("CSV~1", 3, "AMEND")], 1),
    ("trade_after_cancellation", [trade("CSV~1", 1), trade("CSV~1", 2, "CANCEL"), trade("CSV~1", 3, "AMEND")], 1),
    (
        "trade_beyond_cutoff",
        [
            "insert into books.firms (firm_id, name, base_currency_code, home_calendar, posting_cutoff_days, business_date, revision,"
            " content_sha, file_id, line_no) values ('F', 'n', 'EUR', 'XETR', 0, '2026-01-05', 1, 'a', 'f', 1)",
            "insert into books.business_days values ('2026-01-02', '2025-12-30', '2026-01-05'), ('2026-01-05', '2026-01-02', '2026-01-06')",
            trade("CSV~1", 1).replace("'2026-01-05', '2026-01-05T", "'2026-01-02', '2026-01-05T"),
            trade("CSV~2", 1).replace("'2026-01-05', '2026-01-05T", "'2026-01-03', '2026-01-05T"),
        ],
        1,
    ),
    (
        "block_not_allocated",
        [
            trade("CSV~1", 1),
            trade("CSV~2", 1).replace("content_sha,", "is_block, content_sha,").replace("0, 'a'", "0, true, 'a'"),
            trade("CSV~3", 1).replace("content_sha,", "is_block, content_sha,").replace("0, 'a'", "0, true, 'a'"),
            "insert into books.allocations (block_trade_id, version, allocation_no, account_id, quantity, content_sha, business_date,"
            " file_id, line_no) values ('CSV~3', 1, 1, 'A', 1, 'a', '2026-01-05', 'f', 1),"
            " ('CSV~4', 1, 1, 'A', 1, 'a', '2026-01-05', 'f', 2)",
        ],
        2,
    ),
    ("identical_fills", [trade("CSV~#a-1", 1), trade("CSV~#a-2", 1)], 1),
    (
        "fx_rate_missing",
        [
            "insert into books.instruments (instrument_id, name, product_line, currency_code, market_mic, issuer_country_code,"
            " business_date, revision, content_sha, file_id, line_no)"
            " values ('I', 'n', 'equity', 'USD', 'XNYS', 'US', '2026-01-05', 1, 'a', 'f', 1)",
            "insert into books.firms (firm_id, name, base_currency_code, home_calendar, business_date, revision, content_sha, file_id,"
            " line_no) values ('F', 'n', 'EUR', 'XETR', '2026-01-05', 1, 'a', 'f', 1)",
        ],
        1,
    ),
    (
        "fx_rate_stale",
        [
            "insert into books.fx_rates (currency_code, base_currency_code, rate_date, rate, business_date, revision, content_sha,"
            " file_id, line_no) values ('USD', 'EUR', '2026-01-02', 0.9, '2026-01-02', 1, 'a', 'f', 1)"
        ],
        1,
    ),
]


@pytest.fixture
def connection(fresh_database: str) -> Iterator[sqlalchemy.Connection]:  # noqa: ARG001 - the database must be there
    engine = sqlalchemy.create_engine(administrator_url())
    with engine.begin() as connection:
        connection.execute(text(f"set local posttrade.business_date = '{DAY}'"))
        yield connection
    engine.dispose()


def failing_rows(connection: sqlalchemy.Connection, control_id: str) -> list[dict[str, object]]:
    statement = CONTROLS[control_id].query.replace("{batch}", f"({BUSINESS_DATE_QUERY})").replace("%", "%%")
    return [dict(row) for row in connection.exec_driver_sql(statement).mappings()]


@pytest.mark.parametrize(("control_id", "planted", "causes"), TRIPS, ids=[trip[0] for trip in TRIPS])
def test_a_control_sees_what_is_planted_and_nothing_else(
    connection: sqlalchemy.Connection, control_id: str, planted: list[str], causes: int
) -> None:
    assert failing_rows(connection, control_id) == []
    for statement in planted:
        connection.exec_driver_sql(statement.replace("%", "%%"))
    found = failing_rows(connection, control_id)
    assert len({CONTROLS[control_id].cause_key(row) for row in found}) == causes
    assert all("{" not in CONTROLS[control_id].alert_message(row) for row in found)


def test_a_date_without_trades_is_seen_and_one_trade_is_enough(connection: sqlalchemy.Connection) -> None:
    assert len(failing_rows(connection, "no_trades")) == 1
    connection.exec_driver_sql(trade("CSV~1", 1))
    assert failing_rows(connection, "no_trades") == []


def test_an_alert_opens_once_blocks_is_resolved_and_comes_back(fresh_database: str) -> None:  # noqa: ARG001
    engine = sqlalchemy.create_engine(administrator_url())
    control = CONTROLS["bridge_open"]
    row = {"book_id": "B", "instrument_id": "I", "component": "fx", "management_amount": 1, "accounting_amount": 2}
    failed, passed = ControlResult(control, 1, (row,)), ControlResult(control, 0, ())

    def states(result: ControlResult) -> tuple[dict[str, int], bool]:
        counts = update_alerts("ledger", DAY, [result], engine)
        with engine.connect() as connection:
            return counts, is_blocked(DAY, connection)

    assert states(failed) == ({"alerts_opened": 1, "alerts_resolved": 0, "alerts_reopened": 0}, True)
    assert states(failed) == ({"alerts_opened": 0, "alerts_resolved": 0, "alerts_reopened": 0}, True)
    assert states(passed) == ({"alerts_opened": 0, "alerts_resolved": 1, "alerts_reopened": 0}, False)
    assert states(passed) == ({"alerts_opened": 0, "alerts_resolved": 0, "alerts_reopened": 0}, False)
    assert states(failed) == ({"alerts_opened": 0, "alerts_resolved": 0, "alerts_reopened": 1}, True)
    with engine.connect() as connection:
        keys = connection.scalar(text("select keys from operations.alerts"))
    assert json.loads(json.dumps(keys)) == {"book_id": "B", "instrument_id": "I", "component": "fx"}
    engine.dispose()
