"""Trades end in the same books whatever the order and repetition of what arrives."""

from itertools import permutations

import pytest
from loading_helpers import MONDAY, found, loader, open_firm, record_trades, trade

from posttrade.offices import front_office
from posttrade.settings import get_settings

pytestmark = pytest.mark.usefixtures("fresh_database")


def test_two_identical_fills_are_two_and_their_repeat_is_none() -> None:
    open_firm()
    assert record_trades(MONDAY, [trade(""), trade("")])["recorded"] == 2
    counts = record_trades(MONDAY, [trade(""), trade(""), trade("", price="6")], "trades_b.csv")
    assert (counts["recorded"], counts["known"]) == (1, 2)


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


def _report(number: int, execution: str, kind: str, reference: str) -> str:
    body = f"35=8|34={number}|17={execution}|150={kind}|" + (f"19={reference}|" if reference else "")
    body += f"526=BK|1=AC|55=SAP|54=1|32={number}|31=5|15=EUR|75=20260105|60=20260105-09:00:00|"
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
