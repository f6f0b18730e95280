"""What the journal posts is what happened: an amount that no rule of its product line posts is not left out."""

from datetime import date

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade

from posttrade.errors import PosttradeError
from posttrade.offices import accounting
from posttrade.procedures import schema
from posttrade.procedures.schema import load_procedures

MON, TUE = date(2026, 1, 5), date(2026, 1, 6)


@pytest.mark.usefixtures("fresh_database")
def test_an_amount_without_posting_rule_stops_the_posting_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    without_fees = [
        one.model_copy(update={"posting_rules": [rule for rule in one.posting_rules if rule.amount_type != "fee"]})
        for one in load_procedures()
    ]
    firm = SmallFirm()
    firm.day(MON, [trade("1", MON, 10, "5")], {"I": "6"})
    posted = rows("select entry_id from ledger.journal_entries order by 1")
    dealt = [trade("2", TUE, 10, "6", fee_amount="1.25"), trade("3", TUE, -4, "6", fee_amount="0.75"), trade("4", TUE, 1, "6")]
    with monkeypatch.context() as patched:
        for module in (accounting, schema):
            patched.setattr(module, "load_procedures", lambda: without_fees)
        with pytest.raises(PosttradeError, match=r"equity TRADE fee, 2 of them, the first TRADE:CSV~2:1 of 1\.2500 USD\.") as refused:
            firm.day(TUE, dealt, {"I": "6"})
    assert "posting_rules" in (refused.value.remedy)
    assert rows("select entry_id from ledger.journal_entries order by 1") == posted

    # With its rule the day goes on from where it stopped.
    firm.day(TUE)
    fees = "select sum(amount) from ledger.journal_lines where gl_account = 'fee_expense'"
    assert rows(fees) == [(2,)]
    assert_books_tie()
