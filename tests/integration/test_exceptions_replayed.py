"""A rejected row is corrected and replayed, or dismissed, once."""

import pytest
from loading_helpers import MONDAY, TUESDAY, deliver, found, loader, open_firm, record_trades, trade

from posttrade.errors import PosttradeError
from posttrade.offices import front_office
from posttrade.records.exceptions import dismiss_exception, list_exceptions, replay_exception

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


def test_a_dismissed_row_waits_no_more() -> None:
    exception_id = _rejected()["exception_id"]
    dismiss_exception(exception_id, "Olga Operator", "sent in error", TUESDAY, loader())
    assert list_exceptions(loader()) == []
    assert found("select action, note from operations.exception_resolutions") == [("DISMISSED", "sent in error")]
    with pytest.raises(PosttradeError, match="waits"):
        dismiss_exception(exception_id, "Olga Operator", "again", TUESDAY, loader())
