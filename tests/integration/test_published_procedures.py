"""What closed dates were made by stays: a procedure says something else from a later date on, or not at all."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from integration.conftest import run_day_until
from integration.small_firm import SmallFirm, rows, trade

from posttrade.domain.lots import LotMethod
from posttrade.errors import PosttradeError
from posttrade.offices import published_procedures
from posttrade.offices.published_procedures import publish_procedures
from posttrade.offices.settlement import instruct_settlement
from posttrade.procedures.schema import Procedure, load_chart_of_accounts, load_procedures
from posttrade.records.database import Role, engine

MONDAY, TUESDAY, WEDNESDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)
LATEST = (
    "select lot_method, outlier_move from books.product_lines where product_line = 'equity' order by valid_from desc, known_at desc limit 1"
)


def equity(**changes: Any) -> Procedure:
    (one,) = (one for one in load_procedures() if one.product_line == "equity")
    return one.model_copy(update={name: value for name, value in changes.items() if name == "valid_from"} | {
        name: getattr(one, name).model_copy(update=value) for name, value in changes.items() if name != "valid_from"
    })  # fmt: skip


@pytest.mark.usefixtures("fresh_database")
def test_a_procedure_changes_from_a_date_after_the_last_close(monkeypatch: pytest.MonkeyPatch) -> None:
    former = equity().lots.method
    method = LotMethod.FIFO if former != LotMethod.FIFO else LotMethod.LIFO

    def publish(*procedures: Procedure) -> None:
        others = [one for one in load_procedures() if one.product_line != "equity"]
        monkeypatch.setattr(published_procedures, "load_procedures", lambda: [*others, *procedures])
        publish_procedures(engine(Role.LOADER))

    changed = equity(lots={"method": method})
    publish(changed)  # before any close it is as good as any other
    publish(equity())
    SmallFirm().day(MONDAY, [trade("1", MONDAY, 10, "5")], {"I": "6"})

    with pytest.raises(PosttradeError, match=rf"says lot_method {method}, and the books up to {MONDAY} were made by {former}\."):
        publish(changed)
    with pytest.raises(
        PosttradeError, match=f"A procedure of equity is valid from {MONDAY}, and the books up to {MONDAY} were made without it"
    ):
        publish(equity(), equity(valid_from=MONDAY, lots={"method": method}))
    assert rows(LATEST)[0][0] == former

    # What the controls take as unusual changes nothing that was booked.
    publish(equity(checks={"outlier_move": Decimal("0.5")}))
    assert rows(LATEST) == [(former, Decimal("0.5"))]
    publish(equity(), equity(valid_from=TUESDAY, lots={"method": method}))
    assert rows(LATEST)[0][0] == method


@pytest.mark.usefixtures("fresh_database")
def test_what_a_procedure_says_of_a_later_date_leaves_the_settlement_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    """From Tuesday on shares are delivered without instruction, and that is published on Monday."""
    procedures = [*load_procedures(), equity(valid_from=TUESDAY, settlement={"is_delivered": False})]
    monkeypatch.setattr(published_procedures, "load_procedures", lambda: procedures)
    instructed = "select trade_id, function from operations.settlement_instructions order by 1"
    stages = "select trade_id, stage from marts.rpt_trade_lifecycle order by 1"
    firm = SmallFirm()
    firm.day(MONDAY, [trade("1", MONDAY, 10, "5")], {"I": "6"})
    assert rows(instructed) == [("CSV~1", "NEWM")]
    assert rows(stages) == [("CSV~1", "INSTRUCTED")]
    firm.deliver(TUESDAY, "trades", [trade("2", TUESDAY, 10, "5")])
    run_day_until(instruct_settlement, TUESDAY)
    assert rows(instructed) == [("CSV~1", "NEWM")]
    assert rows(stages)[1] == ("CSV~2", "BOOKED")


@pytest.mark.usefixtures("fresh_database")
def test_an_account_with_entries_of_a_closed_date_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    SmallFirm().day(MONDAY, [trade("1", MONDAY, 10, "5")], {"I": "6"})
    chart = load_chart_of_accounts()
    used = {gl_account for (gl_account,) in rows("select distinct gl_account from ledger.journal_lines")}
    assert {"securities", "trade_settlement"} <= used
    assert "withholding_tax" in set(chart) - used
    for account, change in (("trade_settlement", {"is_monetary": False}), ("withholding_tax", {"component": "fees"})):
        changed = chart | {account: chart[account].model_copy(update=change)}
        monkeypatch.setattr(published_procedures, "load_chart_of_accounts", lambda given=changed: given)
        if account in used:
            with pytest.raises(
                PosttradeError, match=r"The account trade_settlement is another kind of account .* up to 2026-01-05 stand in"
            ):
                publish_procedures(engine(Role.LOADER))
        else:
            assert publish_procedures(engine(Role.LOADER))["ledger_accounts"] == 1
