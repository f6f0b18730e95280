"""A rejected row is corrected and replayed, or dismissed, once."""

import pytest
from loading_helpers import MONDAY, TUESDAY, deliver, found, loader, open_firm, record_trades, trade

from posttrade.errors import PosttradeError
from posttrade.offices import front_office
from posttrade.records.exceptions import dismiss_exception, list_exceptions, replay_exception
from posttrade.settings import get_settings

pytestmark = pytest.mark.usefixtures("fresh_database")


def _rejected() -> dict[str, str]:
    open_firm()
    record_trades(MONDAY, [trade("T1", counterparty_id="LATE")])
    (waiting,) = list_exceptions(loader())
    assert waiting["raw"] == trade("T1", counterparty_id="LATE")
    return waiting


def test_a_corrected_row_is_recorded_in_the_open_date_once() -> None:
    exception_id = _rejected()["exception_id"]
    with pytest.raises(PosttradeError, match=r"rejected again: .*price"):
        replay_exception(exception_id, trade("T1", price="none"), "Olga Operator", TUESDAY, loader())
    assert len(list_exceptions(loader(), MONDAY)) == 1
    replay_exception(exception_id, trade("T1"), "Olga Operator", TUESDAY, loader())
    assert found("select trade_id, business_date from books.trade_versions") == [("CSV~T1", TUESDAY)]
    assert list_exceptions(loader()) == []
    with pytest.raises(PosttradeError, match="waits"):
        replay_exception(exception_id, trade("T1"), "Olga Operator", TUESDAY, loader())


def test_an_unchanged_row_can_be_replayed_once_its_reference_is_known() -> None:
    waiting = _rejected()
    with pytest.raises(PosttradeError, match="LATE"):
        replay_exception(waiting["exception_id"], waiting["raw"], "Olga Operator", TUESDAY, loader())
    deliver(TUESDAY, "counterparties", ["LATE,Late Brokers,,DEUTDEFF,BROKER"])
    front_office.record_reference_data(TUESDAY, loader())
    replay_exception(waiting["exception_id"], waiting["raw"], "Olga Operator", TUESDAY, loader())
    assert found("select counterparty_id from books.trade_versions") == [("LATE",)]


def test_a_row_of_a_file_with_its_own_order_is_replayed_in_the_order_of_the_contract() -> None:
    open_firm()
    deliver(MONDAY, "books", ['5,"Red, blue",9,NO,RB'], "books_b.csv",
            "loss_limit_amount,name,position_limit_amount,desk_id,book_id")  # fmt: skip
    front_office.record_reference_data(MONDAY, loader())
    (waiting,) = list_exceptions(loader())
    assert waiting["raw"] == 'RB,"Red, blue",NO,5,9'
    replay_exception(waiting["exception_id"], 'RB,"Red, blue",EQ,5,9', "Olga Operator", MONDAY, loader())
    assert found("select name, desk_id, loss_limit_amount::integer from books.books where book_id = 'RB'") == [("Red, blue", "EQ", 5)]


def test_a_fix_message_is_replayed_without_working_out_its_checksum() -> None:
    open_firm()
    body = "35=8|34=2|17=E1|150=F|1=AC|55=SAP|54=1|32=7|31=5|15=EUR|75=20260105|60=20260105-09:00:00|"
    framed = f"8=FIX.4.4|9={len(body)}|{body}".replace("|", "\x01")
    message = f"{framed}10={sum(framed.encode()) % 256:03d}\x01"
    (get_settings().inbox / MONDAY.isoformat() / "orders.fix").write_text(message + "\n")
    assert front_office.record_trades(MONDAY, loader())["rejected"] == 1
    (waiting,) = list_exceptions(loader())
    assert (waiting["field"], waiting["raw"]) == ("book_id", message)
    assert waiting["reason"] == "orders.fix, line 1: book_id (tag 526) is missing."
    corrected = message.replace("17=E1", "17=E1\x01526=BK").replace("\x01", "|")
    replay_exception(waiting["exception_id"], corrected, "Olga Operator", TUESDAY, loader())
    assert found("select trade_id, quantity::integer, business_date from books.trade_versions") == [("FIX~E1", 7, TUESDAY)]


def test_a_dismissed_row_waits_no_more() -> None:
    exception_id = _rejected()["exception_id"]
    dismiss_exception(exception_id, "Olga Operator", "sent in error", TUESDAY, loader())
    assert list_exceptions(loader()) == []
    assert found("select action, note from operations.exception_resolutions") == [("DISMISSED", "sent in error")]
    with pytest.raises(PosttradeError, match="waits"):
        dismiss_exception(exception_id, "Olga Operator", "again", TUESDAY, loader())
