"""A block is booked as its allocations once they add up to it, and they follow whatever becomes of it."""

from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest
import sqlalchemy
from integration.loading_helpers import MONDAY as JANUARY_5
from integration.loading_helpers import deliver, found, loader, open_firm, record_trades
from integration.loading_helpers import trade as line
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from posttrade.cli import app
from posttrade.errors import PosttradeError
from posttrade.messages.contracts import ALLOCATIONS, CONTRACTS
from posttrade.offices import business_days, front_office
from posttrade.records.database import Role, administrator_url, engine
from posttrade.records.exceptions import list_exceptions, replay_exception
from posttrade.records.trade_releases import decide_on_trade

pytestmark = pytest.mark.usefixtures("fresh_database")
FRIDAY, MONDAY, TUESDAY, WEDNESDAY = (date(2020, 3, day) for day in (6, 9, 10, 11))
HEADER = ",".join(column.name for column in ALLOCATIONS.columns)
WAITING = "select trade_id, quantity::integer, allocated_quantity::integer, waits_because from operations.waiting_blocks order by 1"
DECIDED = "select trade_id, version from operations.trade_releases order by 1, 2"
STANDS = (
    "select distinct on (trade_id) trade_id, event_type = 'CANCEL', account_id, book_id, quantity::integer, price::integer, fee_amount"
    " from books.trade_versions where block_trade_id is not null order by trade_id, version desc"
)


def open_firm_with_blocks() -> None:
    open_firm()
    accounts = [f"{name},{name},,CU,{kind}" for name, kind in (("A1", ""), ("A2", "CUSTODY"), ("A3", ""), ("HOUSE", "ALLOCATION"))]
    deliver(JANUARY_5, "accounts", accounts, "accounts_b.csv", ",".join(CONTRACTS["accounts"].orders[0]))
    assert front_office.record_reference_data(JANUARY_5, loader())["rejected"] == 0


def allocate(name: str, *lines: str) -> dict[str, int]:
    deliver(JANUARY_5, "allocations", lines, f"allocations_{name}.csv", HEADER)
    return front_office.record_trades(JANUARY_5, loader())


def block(version: int = 1, event: str = "NEW", **changes: str) -> str:
    return line("B", version, event, **({"account_id": "HOUSE", "fee_amount": "0.05", "side": "SELL"} | changes))


# One row a file: a division, too, comes in parts.
ARRIVALS = (
    block(),
    block(2, "AMEND", price="6"),
    ["CSV~B,1,1,A1,3,,", "CSV~B,1,2,A2,3,,"],
    ["CSV~B,1,3,A3,4,,"],
    ["CSV~B,2,1,A1,5,,", "CSV~B,2,2,A2,5,,"],
)


@pytest.mark.parametrize("order", [*permutations(range(5))][::11])
def test_the_order_of_arrival_leaves_no_trace_in_the_allocations(order: tuple[int, ...]) -> None:
    open_firm_with_blocks()
    for place in (*order, order[0]):
        arrived = ARRIVALS[place]
        if isinstance(arrived, str):
            record_trades(JANUARY_5, [arrived], f"trades_{place}.csv")
        else:
            allocate(str(place), *arrived)
    assert found("select count(*) from operations.exceptions") == [(0,)]
    # A half of five cents is even at two, and the last takes the rest.
    stands = {
        "CSV~B/1": (False, "A1", "BK", -5, 6, Decimal("0.02")),
        "CSV~B/2": (False, "A2", "BK", -5, 6, Decimal("0.03")),
    }
    assert {name: tuple(rest) for name, is_gone, *rest in found(STANDS) if not is_gone} == {
        name: tuple(rest) for name, (_, *rest) in stands.items()
    }
    assert found(WAITING) == []


def test_fees_are_shared_half_even_with_the_rest_on_the_last_unless_stated() -> None:
    open_firm_with_blocks()
    record_trades(JANUARY_5, [block()])
    assert found(WAITING) == [("CSV~B", 10, 0, "NOT_ALLOCATED")]
    allocate("1", "CSV~B,1,1,A1,3,,", "CSV~B,1,2,A2,3,,")
    assert found(WAITING) == [("CSV~B", 10, 6, "QUANTITY")]
    assert CliRunner().invoke(app, ["trades", "blocks"]).output == "CSV~B  quantity 10, allocated 6  QUANTITY\n1 waiting.\n"
    assert found(STANDS) == []
    allocate("2", "CSV~B,1,3,A3,4,,")
    # 0.05 x 3 / 10 = 0.015 is even at 0.02; twice, and 0.01 is left.
    assert [tuple(row[2:]) for row in found(STANDS)] == [
        ("A1", "BK", -3, 5, Decimal("0.02")),
        ("A2", "BK", -3, 5, Decimal("0.02")),
        ("A3", "BK", -4, 5, Decimal("0.01")),
    ]
    allocate("3", "CSV~B,2,1,A1,3,,0.03", "CSV~B,2,2,A2,3,,", "CSV~B,2,3,A3,4,,")
    assert [row[-1] for row in found(STANDS)] == [Decimal("0.03"), Decimal("0.01"), Decimal("0.01")]
    allocate("4", "CSV~B,3,1,A1,5,,0.03", "CSV~B,3,2,A2,5,,0.03")
    assert found(WAITING) == [("CSV~B", 10, 10, "FEES")]
    assert [row[1] for row in found(STANDS)] == [False, False, False]  # the division before stays booked
    allocate("5", "CSV~B,4,1,A1,5,,0.00", "CSV~B,4,2,A2,5,,0.05")
    assert [(row[1], row[-1]) for row in found(STANDS)] == [(False, Decimal("0.00")), (False, Decimal("0.05")), (True, None)]
    assert found(WAITING) == []


def test_what_is_no_allocation_is_rejected_or_waits_in_sight() -> None:
    open_firm_with_blocks()
    record_trades(JANUARY_5, [block(), line("ORDINARY"), line("C", account_id="HOUSE"), line("C/1")])
    allocate("1", "CSV~B,1,1,HOUSE,10,,", "B,1,1,A1,10,,", "CSV~B,1,2,A1,0,,", "CSV~B,1,3,A1,10,NO,")
    assert found("select reason_code, field from operations.exceptions order by line_no") == [
        ("ALLOCATION_ACCOUNT", "account_id"),
        ("NO_SOURCE", "block_trade_id"),
        ("NOT_POSITIVE", "quantity"), ("UNKNOWN_REFERENCE", "book_id"),
    ]  # fmt: skip
    allocate("2", "CSV~ORDINARY,1,1,A1,10,,", "CSV~UNKNOWN,1,1,A1,10,,", "CSV~C,1,1,A1,10,,")
    assert found(WAITING) == [
        ("CSV~B", 10, 0, "NOT_ALLOCATED"), ("CSV~C", 10, 10, "NAME_TAKEN"), ("CSV~ORDINARY", 10, 10, "NO_BLOCK"),
        ("CSV~UNKNOWN", None, 10, "BLOCK_MISSING"),
    ]  # fmt: skip
    # An allocation changes with its block alone.
    allocate("3", "CSV~B,1,1,A1,10,,")
    assert record_trades(JANUARY_5, [line("B/1", 2, "CANCEL")], "trades_b.csv")["rejected"] == 1
    assert found("select reason from operations.exceptions where reason_code = 'ALLOCATED'") == [
        ("trades_b.csv, line 2: trade_id 'B/1' is an allocation, which changes with its block.",)
    ]
    # And the database lets nobody book a part of a block.
    administrator = sqlalchemy.create_engine(administrator_url())
    part = (
        'insert into books.trade_versions select (jsonb_populate_record(versions, \'{"version": 2, "event_type": "AMEND",'
        " \"quantity\": -9}')).* from books.trade_versions as versions where trade_id = 'CSV~B/1'"
    )
    with pytest.raises(IntegrityError, match="the allocations of CSV~B add up to -9"), administrator.begin() as connection:
        connection.execute(text(part.replace(":", "\\:")))
    administrator.dispose()


def test_beyond_the_cutoff_the_allocations_are_held_and_not_the_block() -> None:
    open_firm_with_blocks()
    deliver(JANUARY_5, "firms", ["EXAMPLE,Example Firm,,EUR,XETR,5"], header=",".join(CONTRACTS["firms"].orders[0]))
    front_office.record_reference_data(JANUARY_5, loader())
    business_days.publish_calendar(JANUARY_5, loader())
    record_trades(JANUARY_5, [block(trade_date="2025-12-01")])
    allocate("1", "CSV~B,1,1,A1,6,,", "CSV~B,1,2,A2,4,,")
    record_trades(JANUARY_5, [block(2, "CANCEL")], "trades_b.csv")
    held = "select trade_id, version, event_type from operations.held_trade_events order by 1, 2"
    # The cancellation of what is held is held as well; the block itself does not wait.
    assert found(held) == [("CSV~B/1", 1, "NEW"), ("CSV~B/1", 2, "CANCEL"), ("CSV~B/2", 1, "NEW"), ("CSV~B/2", 2, "CANCEL")]
    # Decided on is the cancellation, and what it cancels.
    decide_on_trade("CSV~B", 2, "REFUSED", "Ada", "too late", JANUARY_5, engine(Role.OPERATOR))
    assert found(held) == []
    assert found(DECIDED) == [("CSV~B/1", 1), ("CSV~B/1", 2), ("CSV~B/2", 1), ("CSV~B/2", 2)]


def test_a_trade_that_becomes_a_block_is_decided_on_with_its_allocations() -> None:
    """Whoever corrected the row of the block decides on no part of it."""
    open_firm_with_blocks()
    deliver(JANUARY_5, "firms", ["EXAMPLE,Example Firm,,EUR,XETR,5"], header=",".join(CONTRACTS["firms"].orders[0]))
    front_office.record_reference_data(JANUARY_5, loader())
    business_days.publish_calendar(JANUARY_5, loader())
    record_trades(JANUARY_5, [line("B", trade_date="2025-12-01"), block(2, "AMEND", trade_date="2025-12-01", counterparty_id="NONE")])
    (waiting,) = list_exceptions(loader())
    corrected = block(2, "AMEND", trade_date="2025-12-01")
    replay_exception(waiting["exception_id"], corrected, "Olga Operator", JANUARY_5, loader())
    allocate("1", "CSV~B,1,1,A1,6,,", "CSV~B,1,2,A2,4,,")
    held = "select trade_id, version from operations.held_trade_events order by 1, 2"
    everything = [("CSV~B", 1), ("CSV~B", 2), ("CSV~B/1", 1), ("CSV~B/2", 1)]
    assert found(held) == everything
    with pytest.raises(PosttradeError, match="comes from Olga Operator; a second person must decide on it"):
        decide_on_trade("CSV~B", 2, "RELEASED", "olga operator", "agreed", JANUARY_5, engine(Role.OPERATOR))
    # Nor can the allocations alone be decided on, by whatever means: the trade would stand beside them.
    parts = "insert into operations.trade_releases select trade_id, version, 'RELEASED', 'Ada', 'agreed', business_date"
    parts += " from books.trade_versions where block_trade_id is not null"
    alone = pytest.raises(IntegrityError, match="the block CSV~B is decided on as a whole, and CSV~B waits still")
    with alone, engine(Role.OPERATOR).begin() as connection:
        connection.execute(text(parts))
    decide_on_trade("CSV~B", 2, "RELEASED", "Ada", "agreed", JANUARY_5, engine(Role.OPERATOR))
    assert found(held) == []
    assert found(DECIDED) == everything


def test_a_late_block_is_released_as_a_whole() -> None:
    firm = SmallFirm(books=("B", "C"), accounts=("A", "X"))
    house = {"account_id": "HOUSE", "name": "House", "custodian_id": "CUS", "account_type": "ALLOCATION"}
    accounts = [{"account_id": name, "name": name, "custodian_id": "CUS"} for name in ("A", "X")]
    late = {"firm_id": "EXAMPLE", "name": "Example Firm", "base_currency_code": "USD", "home_calendar": "XNYS", "posting_cutoff_days": 1}
    trader = {"trader_id": "T1", "name": "Tessa Testperson", "desk_id": "D"}
    firm.day(FRIDAY, [], {"I": "11.00"}, accounts=[*accounts, house], firms=[late], traders=[trader])
    firm.day(MONDAY, [], {"I": "11.00"})
    bought = trade("K", FRIDAY, 100, "10.00", account_id="HOUSE", fee_amount="1.00", trader_id="T1")
    first = {"block_trade_id": "CSV~K", "version": 1, "allocation_no": 1, "account_id": "A", "quantity": 60}
    second = {**first, "allocation_no": 2, "account_id": "X", "quantity": 40, "book_id": "C"}
    firm.day(TUESDAY, [bought], {"I": "11.00"}, allocations=[first, second])
    held = "select trade_id, version from operations.held_trade_events order by 1, 2"
    positions = "select book_id, account_id, traded_quantity, cost_amount from marts.fct_positions where business_date = :day order by 1"
    assert rows(held) == [("CSV~K/1", 1), ("CSV~K/2", 1)]
    assert rows(positions, day=TUESDAY) == []
    waits = (
        "CSV~K/2 1  NEW, recorded for 2020-03-10, of a trade dated 2020-03-06: on or before 2020-03-06; decided on with its block CSV~K 1\n"
    )
    assert waits in CliRunner().invoke(app, ["trades", "held"]).output

    def refused(trade_id: str, version: int, by: str = "Ada") -> str:
        with pytest.raises(PosttradeError) as caught:
            decide_on_trade(trade_id, version, "RELEASED", by, "the broker's mistake", WEDNESDAY, engine(Role.OPERATOR))
        return str(caught.value)

    assert refused("CSV~K/1", 1) == (
        "The block CSV~K is decided on as a whole, and CSV~K/2 waits still."
        " Release or refuse the block; ./posttrade trades held says which version of it."
    )
    assert refused("CSV~K", 2) == (
        "The allocations of CSV~K that wait follow version 1 of it, not version 2. Look at them again: ./posttrade trades held."
    )
    assert refused("CSV~K", 1, " tessa testperson").startswith("The trade CSV~K/1 comes from Tessa Testperson;")
    assert rows(DECIDED) == []
    command = ["trades", "release", "CSV~K", "1", "--by", "Ada", "--reason", "the broker's mistake"]
    assert CliRunner().invoke(app, command).output == "Released.\n"
    assert refused("CSV~K", 1).startswith("Version 1 of the trade CSV~K waits for no release.")
    assert (rows(held), rows(DECIDED)) == ([], [("CSV~K/1", 1), ("CSV~K/2", 1)])

    # Booked together on Wednesday; an amendment of that day waits anew.
    firm.day(WEDNESDAY, [{**bought, "version": 2, "event_type": "AMEND", "price": "10.10"}], {"I": "11.00"})
    assert rows(positions, day=WEDNESDAY) == [("B", "A", 60, Decimal("600.60")), ("C", "X", 40, Decimal("400.40"))]
    result = "select late_trades_amount from marts.fct_profit_and_loss where business_date = :day and instrument_id = 'I' order by 1"
    assert rows(result, day=WEDNESDAY) == [(40,), (60,)]
    assert rows(held) == [("CSV~K/1", 2), ("CSV~K/2", 2)]
    decide_on_trade("CSV~K", 2, "REFUSED", "Ada", "settled with the broker", date(2020, 3, 12), engine(Role.OPERATOR))
    assert rows(held) == []
    assert_books_tie()


def test_a_block_through_the_close_follows_its_amendments_and_its_cancellation() -> None:
    firm = SmallFirm(books=("B", "C"), accounts=("A", "X"))
    house = {"account_id": "HOUSE", "name": "House", "custodian_id": "CUS", "account_type": "ALLOCATION"}
    accounts = [{"account_id": name, "name": name, "custodian_id": "CUS"} for name in ("A", "X")]
    bought = trade("K", FRIDAY, 100, "10.00", account_id="HOUSE", fee_amount="1.00")
    first = {"block_trade_id": "CSV~K", "version": 1, "allocation_no": 1, "account_id": "A", "quantity": 60}
    second = {**first, "allocation_no": 2, "account_id": "X", "quantity": 40, "book_id": "C"}
    firm.day(FRIDAY, [bought], {"I": "11.00"}, accounts=[*accounts, house], allocations=[first])
    held = "select book_id, account_id, traded_quantity, cost_amount from marts.fct_positions where business_date = :day order by 1"
    status = "select trade_id, trade_status, block_trade_id from marts.fct_trades where business_date = :day order by 1"
    assert rows(held, day=FRIDAY) == []
    assert rows(status, day=FRIDAY) == [("CSV~K", "BLOCK", None)]

    # Complete on Monday: late trades, each with its own settlement.
    firm.day(MONDAY, [], {"I": "11.00"}, allocations=[second])
    assert rows(held, day=MONDAY) == [("B", "A", 60, Decimal("600.60")), ("C", "X", 40, Decimal("400.40"))]
    result = (
        "select book_id, late_trades_amount, fees_amount, total_amount from marts.fct_profit_and_loss"
        " where business_date = :day and instrument_id = 'I' order by 1"
    )
    assert rows(result, day=MONDAY) == [("B", 60, Decimal("-0.60"), Decimal("59.40")), ("C", 40, Decimal("-0.40"), Decimal("39.60"))]
    instructed = "select trade_id, function, quantity, amount from operations.settlement_instructions where business_date = :day order by 1"
    assert rows(instructed, day=MONDAY) == [
        ("CSV~K/1", "NEWM", 60, Decimal("-600.60")),
        ("CSV~K/2", "NEWM", 40, Decimal("-400.40")),
    ]
    # A price carries over; a quantity that the division does not fit waits for one that does.
    amended = {**bought, "version": 2, "event_type": "AMEND", "price": "10.10"}
    larger = {**amended, "version": 3, "quantity": 120}
    firm.day(TUESDAY, [amended, larger], {"I": "11.00"})
    assert rows(held, day=TUESDAY) == [("B", "A", 60, Decimal("606.60")), ("C", "X", 40, Decimal("404.40"))]
    assert rows("select trade_id, waits_because from operations.waiting_blocks") == [("CSV~K", "QUANTITY")]
    amended_amount = "select sum(amended_trades_amount) from marts.fct_profit_and_loss where business_date = :day"
    assert value(amended_amount, day=TUESDAY) == -10

    firm.day(WEDNESDAY, [{"trade_id": "K", "version": 4, "event_type": "CANCEL"}], {"I": "11.00"})
    assert rows(held, day=WEDNESDAY) == [("B", "A", 0, 0), ("C", "X", 0, 0)]
    assert rows(status, day=WEDNESDAY) == [
        ("CSV~K", "CANCELLED", None), ("CSV~K/1", "CANCELLED", "CSV~K"), ("CSV~K/2", "CANCELLED", "CSV~K"),
    ]  # fmt: skip
    assert value("select sum(total_amount) from marts.fct_profit_and_loss") == 0
    assert rows("select trade_id from operations.waiting_blocks") == []
    assert_books_tie()
