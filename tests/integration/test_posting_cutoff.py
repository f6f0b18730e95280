"""What reaches further back than the firm allows waits for a person, and then stands in the open date like any late trade."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest
from integration.loading_helpers import MONDAY as JANUARY_5
from integration.loading_helpers import deliver, found, loader, open_firm, record_trades
from integration.loading_helpers import trade as line
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value
from typer.testing import CliRunner

from posttrade.cli import app
from posttrade.errors import PosttradeError
from posttrade.offices import business_days, front_office
from posttrade.records.database import Role, engine
from posttrade.records.trade_releases import decide_on_trade

pytestmark = pytest.mark.usefixtures("fresh_database")
THURSDAY, FRIDAY, SATURDAY, MONDAY, TUESDAY, WEDNESDAY = (date(2020, 3, day) for day in (5, 6, 7, 9, 10, 11))
FIRM = {"firm_id": "EXAMPLE", "name": "Example Firm", "base_currency_code": "USD", "home_calendar": "XNYS"}
HELD = "select replace(trade_id, 'CSV~', ''), version from operations.held_trade_events order by 1, 2"
MOVED = (
    "select replace(trade_id, 'CSV~', ''), trade_version, movement_sign, movement_type from intermediate.int_trades__movements"
    " where business_date = :day and book_id = 'B' order by 1, 2"
)
STATUS = (
    "select replace(trade_id, 'CSV~', ''), version, trade_status from marts.fct_trades"
    " where business_date = :day and book_id = 'B' order by 1"
)


def decide(trade_id: str, version: int, decision: str, day: date, by: str = "Ada") -> None:
    decide_on_trade(f"CSV~{trade_id}", version, decision, by, "the broker's mistake", day, engine(Role.OPERATOR))


def refused(work: Callable[[], None]) -> str:
    with pytest.raises(PosttradeError) as caught:
        work()
    return str(caught.value)


def test_what_reaches_beyond_the_cutoff_is_booked_once_a_second_person_releases_it() -> None:
    """Book C gets in order what book B gets late."""
    firm = SmallFirm(books=("B", "C"))

    def in_c(one: dict[str, object], **changes: object) -> dict[str, object]:
        return {**one, "trade_id": f"C{one['trade_id']}", "book_id": "C"} | changes

    trader = [{"trader_id": "T1", "name": "Tessa Testperson", "desk_id": "D"}]
    first = trade("1", THURSDAY, 100, "10.00")
    never_cancelled = trade("X", THURSDAY, 7, "10.00")
    late = trade("2", THURSDAY, 50, "10.50", trader_id="T1", fee_amount="0.03")
    amended = {**late, "version": 2, "event_type": "AMEND", "price": "10.40"}
    in_reach = trade("3", FRIDAY, 5, "11.10")
    of_the_weekend = trade("4", SATURDAY, 3, "11.90")
    both = [in_c(one) for one in (first, never_cancelled, {**late, "price": "10.40"})]
    firm.day(THURSDAY, [first, never_cancelled, *both], {"I": "10.00"}, firms=[{**FIRM, "posting_cutoff_days": 1}], traders=trader)
    firm.day(FRIDAY, [in_c(in_reach)], {"I": "11.00"})
    cancelled = {"trade_id": "X", "version": 2, "event_type": "CANCEL"}
    firm.day(MONDAY, [late, in_reach, of_the_weekend, in_c(of_the_weekend), cancelled], {"I": "12.00"})

    # On Monday one business day back is Friday; Saturday is Monday's.
    assert rows(HELD) == [("2", 1), ("X", 2)]
    assert rows(MOVED, day=MONDAY) == [("3", 1, 1, "LATE"), ("4", 1, 1, "NEW")]
    assert rows(STATUS, day=MONDAY) == [("2", 1, "HELD"), ("3", 1, "ACTIVE"), ("4", 1, "ACTIVE"), ("X", 1, "ACTIVE")]
    assert value("select count(*) from operations.settlement_instructions where trade_id = 'CSV~2'") == 0
    printed = CliRunner().invoke(app, ["trades", "held"]).output
    assert "CSV~2 1  NEW, recorded for 2020-03-09, of a trade dated 2020-03-05: on or before 2020-03-05" in printed

    second = "The trade CSV~2 comes from {}; a second person must decide on it. Ask a colleague to release or refuse it."
    assert refused(lambda: decide("2", 1, "RELEASED", TUESDAY, " t1 ")) == second.format("T1")
    assert refused(lambda: decide("2", 1, "RELEASED", TUESDAY, "tessa testperson")) == second.format("Tessa Testperson")
    assert refused(lambda: decide("1", 1, "RELEASED", TUESDAY)).startswith("Version 1 of the trade CSV~1 waits for no release.")
    assert refused(lambda: decide("2", 1, "RELEASED", TUESDAY, " ")).startswith("A trade event is decided on by a person, for a reason.")
    command = ["trades", "release", "CSV~2", "1", "--by", "Ada", "--reason", "the broker's mistake"]
    assert CliRunner().invoke(app, command).output == "Released.\n"
    decide("X", 2, "REFUSED", TUESDAY)
    assert refused(lambda: decide("X", 2, "RELEASED", TUESDAY)).startswith("Version 2 of the trade CSV~X waits for no release.")
    firm.day(TUESDAY, [amended], {"I": "12.00"})
    assert rows(HELD) == [("2", 2)]
    assert rows(MOVED, day=TUESDAY) == [("2", 1, 1, "LATE")]
    assert rows(STATUS, day=TUESDAY) == [("2", 1, "ACTIVE"), ("X", 1, "ACTIVE")]
    late_effect = "select late_trades_amount, fees_amount from marts.fct_profit_and_loss where business_date = :day and book_id = 'B'"
    assert rows(late_effect + " and instrument_id = 'I'", day=TUESDAY) == [(600 - 525, Decimal("-0.03"))]

    decide("2", 2, "RELEASED", WEDNESDAY)
    firm.day(WEDNESDAY, [], {"I": "12.00"})
    assert rows(HELD) == []
    assert rows(MOVED, day=WEDNESDAY) == [("2", 1, -1, "AMENDMENT"), ("2", 2, 1, "AMENDMENT")]
    totals = "select sum(total_amount), sum(total_amount_base) from marts.fct_profit_and_loss where book_id = :book and instrument_id = 'I'"
    held = "select traded_quantity, cost_amount from marts.fct_positions where business_date = :day and book_id = :book"
    assert rows(totals, book="B") == rows(totals, book="C")
    assert rows(held, book="B", day=WEDNESDAY) == rows(held, book="C", day=WEDNESDAY) == [(165, Decimal("1681.23"))]
    instructed = (
        "select trade_version, function, business_date from operations.settlement_instructions where trade_id = 'CSV~2' order by 1, 2"
    )
    assert rows(instructed) == [(1, "CANC", WEDNESDAY), (1, "NEWM", TUESDAY), (2, "NEWM", WEDNESDAY)]
    assert_books_tie()


ARRIVALS = (line("T1", trade_date="2025-12-01"), line("T1", 2, "AMEND"), line("T1", 3, "CANCEL"), line("T2"))


@pytest.mark.parametrize("order", [*permutations(range(4))][::7])
def test_the_order_of_arrival_within_a_date_does_not_change_what_is_held(order: tuple[int, ...]) -> None:
    open_firm()
    deliver(
        JANUARY_5,
        "firms",
        ["EXAMPLE,Example Firm,,EUR,XETR,5"],
        header="firm_id,name,lei,base_currency_code,home_calendar,posting_cutoff_days",
    )
    front_office.record_reference_data(JANUARY_5, loader())
    business_days.publish_calendar(JANUARY_5, loader())
    for place in order:
        record_trades(JANUARY_5, [ARRIVALS[place]], f"trades_{place}.csv")
    held = [tuple(row) for row in found(HELD)]
    assert held == [("T1", 1), ("T1", 2), ("T1", 3)]
    # A release covers the versions before it.
    decide("T1", 2, "RELEASED", JANUARY_5)
    assert [tuple(row) for row in found(HELD)] == [("T1", 3)]
    beyond = "select version, released_date from operations.trade_events_beyond_cutoff order by 1"
    assert [tuple(row) for row in found(beyond)] == [(1, JANUARY_5), (2, JANUARY_5), (3, None)]


def test_a_cutoff_that_is_no_number_of_days_is_rejected() -> None:
    open_firm()
    header = "firm_id,name,lei,base_currency_code,home_calendar,posting_cutoff_days,revision"
    rows = [f"EXAMPLE,Example Firm,,EUR,XETR,{days},{n}" for n, days in enumerate(("-1", "1001", "x", "0", ""), 1)]
    deliver(JANUARY_5, "firms", rows, header=header)
    assert front_office.record_reference_data(JANUARY_5, loader())["rejected"] == 3
    assert found("select reason_code from operations.exceptions order by line_no") == [
        ("OUT_OF_BOUNDS",),
        ("OUT_OF_BOUNDS",),
        ("NOT_A_NUMBER",),
    ]
