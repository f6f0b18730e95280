"""Files become facts once, whole, and with their origin."""

import pytest
from loading_helpers import FIRM, MONDAY, TUESDAY, WEDNESDAY, deliver, found, loader, open_firm, record_trades, trade
from sqlalchemy import text

from posttrade.offices import front_office
from posttrade.records.database import Role, engine
from posttrade.settings import get_settings
from posttrade.simulator.world import write_world

pytestmark = pytest.mark.usefixtures("fresh_database")


def test_the_simulated_world_is_recorded_once() -> None:
    write_world(get_settings().inbox, days=2, trades=300, seed=7)
    steps = (front_office.record_reference_data, front_office.record_market_data, front_office.record_statements,
             front_office.record_trades)  # fmt: skip
    first = [step(day, loader()) for day in (MONDAY, TUESDAY) for step in steps]
    assert sum(counts["recorded"] for counts in first) > 900
    assert not any(counts["refused"] for counts in first)
    assert {row[0] for row in found("select distinct source_system from books.trade_versions")} == {
        "CSV",
        "FIX",
        "FODB",
    }
    again = [step(day, loader()) for day in (MONDAY, TUESDAY) for step in steps]
    assert all(not any(counts.values()) for counts in again)


def test_a_fact_that_goes_back_to_what_it_was_is_recorded() -> None:
    open_firm()
    for day, name in ((TUESDAY, "Shares"), (WEDNESDAY, "Equities")):
        deliver(day, "desks", [f"EQ,{name}"])
        assert front_office.record_reference_data(day, loader())["recorded"] == 1
    front_office.record_reference_data(MONDAY, loader())
    assert found("select name from books.desks order by business_date") == [("Equities",), ("Shares",), ("Equities",)]


def test_an_unchanged_row_adds_nothing_and_other_content_under_the_key_is_a_conflict() -> None:
    open_firm()
    deliver(TUESDAY, "desks", [*FIRM["desks"], "FI,Fixed income"])
    assert front_office.record_reference_data(TUESDAY, loader()) == {
        "recorded": 1,
        "known": 1,
        "rejected": 0,
        "refused": 0,
    }
    deliver(TUESDAY, "desks", ["FI,Bonds"], "desks_b.csv")
    deliver(TUESDAY, "desks", ["FI,Bonds,2"], "desks_c.csv", "desk_id,name,revision")
    assert front_office.record_reference_data(TUESDAY, loader()) == {
        "recorded": 1,
        "known": 0,
        "rejected": 1,
        "refused": 0,
    }
    assert found("select reason_code from operations.exceptions") == [("CONFLICT",)]


def test_a_key_restated_twice_in_a_file_ends_as_the_last_revision_says() -> None:
    open_firm()
    header = "desk_id,name,revision"
    deliver(TUESDAY, "desks", ["EQ,Shares,1", "EQ,Equities,2"], "desks.csv", header)
    assert front_office.record_reference_data(TUESDAY, loader())["recorded"] == 2
    deliver(TUESDAY, "desks", ["EQ,Shares,1", "EQ,Equities,2", "FI,Bonds,1"], "desks_b.csv", header)
    assert front_office.record_reference_data(TUESDAY, loader()) == {
        "recorded": 1, "known": 2, "rejected": 0, "refused": 0,
    }  # fmt: skip
    statement = "select name from books.desks where desk_id = 'EQ' order by business_date desc, revision desc limit 1"
    assert found(statement) == [("Equities",)]


def test_a_late_copy_of_what_a_closed_date_knew_does_not_undo_what_came_since() -> None:
    open_firm()
    deliver(TUESDAY, "desks", ["EQ,Shares"])
    front_office.record_reference_data(TUESDAY, loader())
    with engine(Role.OPERATOR).begin() as connection:
        connection.execute(text("insert into operations.day_closings (business_date) values (:day)"), {"day": MONDAY})
    with loader().begin() as connection:
        connection.execute(
            text(
                "insert into books.business_days (business_date, previous_business_date, next_business_date)"
                " values (:day, :day, :next) on conflict do nothing"
            ),
            {"day": MONDAY, "next": TUESDAY},
        )
    deliver(MONDAY, "desks", [*FIRM["desks"], "FI,Bonds"], "desks_late.csv")
    assert front_office.record_reference_data(MONDAY, loader()) == {
        "recorded": 1, "known": 1, "rejected": 0, "refused": 0,
    }  # fmt: skip
    assert found("select desk_id, name, business_date from books.desks order by business_date, desk_id") == [
        ("EQ", "Equities", MONDAY), ("EQ", "Shares", TUESDAY), ("FI", "Bonds", TUESDAY),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "bad", "good", "reason"),
    [
        ("withholding_rates", "AC,US,COUPON,0.9999999", "AC,US,DIVIDEND,0.15", "NOT_A_NUMBER"),
        ("withholding_rates", "AC,US,COUPON,1", "AC,US,DIVIDEND,0.15", "OUT_OF_RANGE"),
        ("instruments", "B1,,B,bond_fixed,EUR,XETR,DE,123456,1,30/360,2020-01-01,,2030-01-01",
         "B2,,B,bond_fixed,EUR,XETR,DE,2.5,1,30/360,2020-01-01,,2030-01-01", "NOT_A_NUMBER"),
        ("instruments", "B1,,B,bond_fixed,EUR,XETR,DE,2.5,99999999999,30/360,2020-01-01,,2030-01-01",
         "B2,,B,bond_fixed,EUR,XETR,DE,2.5,1,30/360,2020-01-01,,2030-01-01", "NOT_ALLOWED"),
        ("instruments", "B1,,B,bond_fixed,EUR,XETR,DE,2.5,1,30/360,2020-01-01,,2019-01-01",
         "B2,,B,bond_fixed,EUR,XETR,DE,2.5,1,30/360,2020-01-01,,2030-01-01", "BEFORE_ISSUE_DATE"),
        ("desks", "".join(f"{n:x}" for n in range(4000)) + ",too long for a key", "FX,Currencies", "TOO_LONG"),
        ("desks", "FX", "FX,Currencies", "COLUMN_COUNT"),
    ],
)  # fmt: skip
def test_a_value_that_no_column_can_hold_does_not_stop_its_file(kind: str, bad: str, good: str, reason: str) -> None:
    open_firm()
    deliver(MONDAY, kind, [bad, good], f"{kind}_b.csv")
    counts = front_office.record_reference_data(MONDAY, loader())
    assert (counts["recorded"], counts["rejected"]) == (1, 1)
    assert found("select reason_code, raw from operations.exceptions") == [(reason, bad)]


def test_a_file_of_no_known_kind_is_refused_once() -> None:
    open_firm()
    deliver(MONDAY, "trades", [trade("T1")], "trade.csv")
    assert front_office.record_trades(MONDAY, loader())["refused"] == 1
    assert front_office.record_trades(MONDAY, loader())["refused"] == 0
    assert found("select file_name, outcome from landing.files where kind = 'unknown'") == [("trade.csv", "REFUSED")]


def test_a_broken_file_is_refused_and_stops_no_other() -> None:
    open_firm()
    folder = get_settings().inbox / MONDAY.isoformat()
    deliver(MONDAY, "trades", [trade("T1")], "trades_b.csv")
    broken = (folder / "trades_b.csv").read_text()
    (folder / "trades_a.csv").write_text(broken[: len(broken) // 2])
    assert front_office.record_trades(MONDAY, loader()) == {"recorded": 1, "known": 0, "rejected": 0, "refused": 1}
    assert found("select file_name, outcome from landing.files where kind = 'trades' order by 1") == [
        ("trades_a.csv", "REFUSED"), ("trades_b.csv", "RECORDED"),
    ]  # fmt: skip


def test_characters_that_delimit_in_copy_come_through() -> None:
    deliver(MONDAY, "desks", ["EQ,a\\b\tc\\N", "FX,x\x02y", "ZZ,a\x1fb"])
    assert front_office.record_reference_data(MONDAY, loader())["rejected"] == 1
    assert found("select name from books.desks order by 1") == [("a\\b\tc\\N",), ("x\x02y",)]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"book_id": "NO"}, ("UNKNOWN_REFERENCE", "book_id")),
        ({"account_id": "NO"}, ("UNKNOWN_REFERENCE", "account_id")),
        ({"instrument_id": "NO"}, ("UNKNOWN_REFERENCE", "instrument_id")),
        ({"trader_id": "NO"}, ("UNKNOWN_REFERENCE", "trader_id")),
        ({"counterparty_id": "NO"}, ("UNKNOWN_REFERENCE", "counterparty_id")),
        ({"currency_code": "USD"}, ("OTHER_CURRENCY", "currency_code")),
        ({"quantity": "0"}, ("NOT_POSITIVE", "quantity")),
        ({"price": "-1"}, ("NOT_POSITIVE", "price")),
        ({"price": ""}, ("MISSING", "price")),
        ({"settlement_date": "2026-01-04"}, ("BEFORE_TRADE_DATE", "settlement_date")),
        ({"trade_date": "2026-01-06"}, ("IN_THE_FUTURE", "trade_date")),
        ({"source_sequence": "9" * 19}, ("NOT_A_NUMBER", "source_sequence")),
        ({"executed_at": "2026-01-05T09:00:00"}, ("NOT_A_TIMESTAMP", "executed_at")),
    ],
)
def test_a_bad_trade_is_an_exception_and_the_good_one_is_recorded(change: dict[str, str], error: tuple[str, str]) -> None:
    open_firm()
    counts = record_trades(MONDAY, [trade("GOOD"), trade("BAD", **change)])
    assert (counts["recorded"], counts["rejected"]) == (1, 1)
    assert found("select reason_code, field, line_no from operations.exceptions") == [(*error, 3)]
    assert found("select trade_id from books.trade_versions") == [("CSV~GOOD",)]
