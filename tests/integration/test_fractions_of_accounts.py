"""What an event cannot deliver whole is the account's: its books get whole units together, and what is left of all is paid in cash.

Shares are halved at 24.00, and a fraction is paid 26.00 a share. The figures are worked out by hand beside each case.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, assert_rebuilt_the_same, confirmed, failing_rows, rows, trade, value

from posttrade.offices.derivations import run_dbt

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
HALVED = {
    "event_id": "H", "instrument_id": "I", "event_type": "REVERSE_SPLIT", "event_status": "ANNOUNCED", "ex_date": TUE, "pay_date": TUE,
    "currency_code": "USD", "new_units": 1, "old_units": 2, "fraction_price": "26.00",
}  # fmt: skip
HALF, QUARTER = Decimal("0.5"), Decimal("0.25")
LOTS = (
    "select book_id, regexp_replace(lot_id, '^CSV~', ''), open_quantity, cost_amount from marts.fct_lots"
    " where business_date = :day and account_id = :account order by book_id, opened_date, lot_id"
)
DONE = (
    "select book_id, sum(quantity_change), sum(fraction_quantity), sum(cash_amount), sum(cost_moved_amount)"
    " from marts.fct_corporate_actions where account_id = :account group by 1 order by 1"
)


def bought(account: str, *sizes: tuple[str, int, str]) -> list[dict[str, object]]:
    return [trade(f"{account}{book}", MON, size, price, account_id=account, book_id=book) for book, size, price in sizes]


def test_books_of_an_account_are_given_whole_shares_together() -> None:
    accounts = ("WHOLE", "PART", "THREE", "SHORT", "BOTH", "NONE")
    firm = SmallFirm(books=("1", "2", "3"), accounts=accounts)
    fifo = [{"account_id": one, "valid_from": "2000-01-01", "lot_method": "FIFO"} for one in accounts]
    dealt = [
        *bought("WHOLE", ("1", 3, "12"), ("2", 3, "18")),
        *bought("PART", ("1", 3, "12"), ("2", 4, "18")),
        *bought("THREE", ("1", 3, "12"), ("2", 3, "12"), ("3", 3, "18")),
        *bought("SHORT", ("1", -3, "12"), ("2", -3, "18")),
        *bought("BOTH", ("1", 3, "12"), ("2", -3, "18")),
        *bought("NONE", ("1", 4, "12"), ("2", 2, "18")),
    ]
    firm.day(MON, dealt, {"I": "12"}, lot_methods=fifo)
    firm.day(TUE, [], {"I": "24"}, corporate_actions=[HALVED], settlement_statuses=confirmed(TUE, "I"))

    # One and a half and one and a half are three: as both have a half left, the first book gets the third share, with a third of what
    # the one and a half of the other cost, and pays that to the other book. Nothing is paid to the account.
    assert rows(LOTS, day=TUE, account="WHOLE") == [
        ("1", "WHOLE1", 3 * HALF, 36), ("1", "WHOLE2", HALF, 18), ("2", "WHOLE2", 1, 36),
    ]  # fmt: skip
    assert rows(DONE, account="WHOLE") == [("1", -1, -HALF, -18, 0), ("2", -2, HALF, 18, 0)]
    # The half share that book 2 gave stood at 12.00 and cost 18.00.
    result = "select book_id, corporate_actions_amount from marts.fct_profit_and_loss where business_date = :day and account_id = :account"
    assert dict(rows(result, day=TUE, account="WHOLE")) == {"1": -6, "2": 6}
    assert rows(
        "select book_id, settled_quantity from marts.fct_positions where business_date = :day and account_id = 'WHOLE' order by 1", day=TUE
    ) == [("1", 2), ("2", 1)]
    # One and a half and two: three, and half a share for 13.00, which cost a third of 36.00.
    assert rows(LOTS, day=TUE, account="PART") == [("1", "PART1", 1, 24), ("2", "PART2", 2, 72)]
    assert rows(DONE, account="PART") == [("1", -2, HALF, 13, 0), ("2", -2, 0, 0, 0)]
    # Four and a half: book 1 gets the fourth; of the half that either of the others gives up a quarter goes to it, and a quarter is
    # paid 6.50. A quarter of theirs cost 6.00 and 9.00.
    assert rows(LOTS, day=TUE, account="THREE") == [
        ("1", "THREE1", 3 * HALF, 36), ("1", "THREE2", QUARTER, 6), ("1", "THREE3", QUARTER, 9),
        ("2", "THREE2", 1, 24), ("3", "THREE3", 1, 36),
    ]  # fmt: skip
    assert rows(DONE, account="THREE") == [
        ("1", -1, -HALF, -15, 0), ("2", -2, HALF, Decimal("12.50"), 0), ("3", -2, HALF, Decimal("15.50"), 0),
    ]  # fmt: skip
    # Owed shares go the same way.
    assert rows(LOTS, day=TUE, account="SHORT") == [
        ("1", "SHORT1", -3 * HALF, -36), ("1", "SHORT2", -HALF, -18), ("2", "SHORT2", -1, -36),
    ]  # fmt: skip
    # One and a half held and as much owed are nothing: book 1 has two and pays 13.00 for the half, which book 2 is paid, who owes two.
    assert rows(DONE, account="BOTH") == [("1", -1, -HALF, -13, 0), ("2", 1, HALF, 13, 0)]
    assert rows(LOTS, day=TUE, account="BOTH") == [
        ("1", "BOTH1", 3 * HALF, 36), ("1", "H", HALF, 13), ("2", "BOTH2", -3 * HALF, -54), ("2", "H", -HALF, -13),
    ]  # fmt: skip
    assert rows(DONE, account="NONE") == [("1", -2, 0, 0, 0), ("2", -1, 0, 0, 0)]
    realised = "select account_id, sum(realised_amount) from marts.fct_realised_results group by 1 order by 1"
    assert rows(realised) == [("PART", 1), ("THREE", -2)]  # 13.00 less 12.00; 6.50 less 6.00 and less 9.00
    assert value("select sum(cash_amount) from marts.fct_event_cash where account_id in ('WHOLE', 'BOTH', 'SHORT')") == 0
    assert_books_tie()

    # A fourth share of book 2 is told a day late: two and one and a half are three, and book 1, which did nothing, gives the half share
    # back and is paid 13.00 for its own, which cost 12.00.
    firm.day(WED, [trade("LATE", MON, 1, "20", account_id="WHOLE", book_id="2")], {"I": "24"})
    assert rows(LOTS, day=WED, account="WHOLE") == [("1", "WHOLE1", 1, 24), ("2", "LATE", HALF, 20), ("2", "WHOLE2", 3 * HALF, 54)]
    assert rows(DONE, account="WHOLE") == [("1", -2, HALF, 13, 0), ("2", -2, 0, 0, 0)]
    assert rows(LOTS, day=TUE, account="WHOLE")[0] == ("1", "WHOLE1", 3 * HALF, 36)
    total = "select sum(total_amount) from marts.fct_profit_and_loss where account_id = 'WHOLE' and book_id = :book"
    # One share of 24.00 and 13.00 for 36.00; two shares of 48.00 for 74.00.
    assert (value(total, book="1"), value(total, book="2")) == (1, -26)
    identities = ["value_change_is_explained", "what_changed_leads_to_the_trades_in_force", "income_statement_is_managements_result"]
    assert len(run_dbt(["test", "--select", *identities], WED).results) == len(identities)
    assert_books_tie()
    # Built anew from the facts it is all the same.
    assert_rebuilt_the_same()
    assert rows(DONE, account="WHOLE") == [("1", -2, HALF, 13, 0), ("2", -2, 0, 0, 0)]


def test_what_comes_from_another_instrument_is_allotted_to_the_account_too() -> None:
    """Three and three of OLD bring one and a half and one and a half of NEW, by the account's average, beside what the books had of it."""
    firm = SmallFirm(books=("1", "2"), instruments=[{"instrument_id": "OLD"}, {"instrument_id": "NEW"}])
    dealt = [
        trade("1", MON, 3, "10", instrument_id="OLD", book_id="1"), trade("2", MON, 3, "12", instrument_id="OLD", book_id="2"),
        trade("3", MON, 1, "20", instrument_id="NEW", book_id="2"),
    ]  # fmt: skip
    firm.day(MON, dealt, {"OLD": "11", "NEW": "22"})
    merger = {
        "event_id": "M", "instrument_id": "OLD", "event_type": "MERGER", "event_status": "ANNOUNCED", "ex_date": TUE, "pay_date": TUE,
        "currency_code": "USD", "received_instrument_id": "NEW", "new_units": 1, "old_units": 2, "fraction_price": "22.00",
    }  # fmt: skip
    firm.day(TUE, [], {"NEW": "22"}, corporate_actions=[merger])
    # Book 2 holds two and a half for 56.00, and gives half a share for 11.20.
    assert rows(LOTS, day=TUE, account="A") == [("1", "AVERAGE", 2, Decimal("41.20")), ("2", "AVERAGE", 2, Decimal("44.80"))]
    assert rows(
        "select book_id, instrument_id, quantity_change, fraction_quantity, cash_amount, cost_moved_amount"
        " from marts.fct_corporate_actions order by 2 desc, 1"
    ) == [
        ("1", "OLD", -3, 0, 0, -30), ("2", "OLD", -3, 0, 0, -36),
        ("1", "NEW", 2, -HALF, Decimal("-11.20"), 30), ("2", "NEW", 1, HALF, Decimal("11.20"), 36),
    ]  # fmt: skip
    assert rows("select * from marts.fct_realised_results") == []
    assert_books_tie()


def test_books_that_hold_on_both_sides_settle_a_fraction_at_its_price() -> None:
    """Both books owe one and a half of NEW for OLD, but book 2 has ten of it: it has no owed share that could go to book 1."""
    firm = SmallFirm(books=("1", "2"), instruments=[{"instrument_id": "OLD"}, {"instrument_id": "NEW"}])
    dealt = [
        trade("1", MON, -3, "10", instrument_id="OLD", book_id="1"), trade("2", MON, -3, "12", instrument_id="OLD", book_id="2"),
        trade("3", MON, 10, "20", instrument_id="NEW", book_id="2"),
    ]  # fmt: skip
    firm.day(MON, dealt, {"OLD": "11", "NEW": "22"})
    merger = {
        "event_id": "M", "instrument_id": "OLD", "event_type": "MERGER", "event_status": "ANNOUNCED", "ex_date": TUE, "pay_date": TUE,
        "currency_code": "USD", "received_instrument_id": "NEW", "new_units": 1, "old_units": 2, "fraction_price": "22.00",
    }  # fmt: skip
    firm.day(TUE, [], {"NEW": "22"}, corporate_actions=[merger])
    # They owe three together: book 1 owes two, half a share more for 11.00. Book 2 gave one and a half for 36.00, which cost 30.00, and
    # buys half a share for 11.00.
    assert rows(LOTS, day=TUE, account="A") == [("1", "AVERAGE", -2, -41), ("2", "AVERAGE", 9, 181)]
    assert rows(
        "select book_id, instrument_id, quantity_change, fraction_quantity, cash_amount, cost_moved_amount"
        " from marts.fct_corporate_actions order by 2 desc, 1"
    ) == [
        ("1", "OLD", 3, 0, 0, 30), ("2", "OLD", 3, 0, 0, 36),
        ("1", "NEW", -2, HALF, 11, -30), ("2", "NEW", -1, -HALF, -11, -36),
    ]  # fmt: skip
    assert rows("select book_id, realised_amount from marts.fct_realised_results") == [("2", 6)]
    assert_books_tie()


def moved(day: date, **quantities: int) -> list[dict[str, object]]:
    """The custodian has moved so much of each trade, at the price of all of them, and of no other."""
    names = {f"CSV~{name}": quantity for name, quantity in quantities.items()}
    return [
        {"status_id": f"S-{day}-{instruction}", "instruction_id": instruction, "status_date": day, "settled_quantity": names[name],
         "status": "PARTIAL" if day == TUE and names[name] < quantity else "SETTLED", "settled_amount": -12 * names[name]}
        for name, instruction, quantity in rows("select trade_id, instruction_id, quantity from operations.settlement_instructions")
        if name in names
    ]  # fmt: skip


def test_a_fraction_goes_with_what_has_settled() -> None:
    """What settles after the event becomes whole with it: nothing is taken off what the custodian does not hold yet."""
    accounts = ("BEFORE", "OPEN", "PART", "BIT", "WHOLE", "SHORT", "TWICE")
    firm = SmallFirm(books=("1", "2"), accounts=accounts)
    dealt = [
        *(line for one in ("BEFORE", "OPEN", "PART", "BIT") for line in bought(one, ("1", 3, "12"), ("2", 4, "12"))),
        *bought("WHOLE", ("1", 3, "12"), ("2", 3, "12")), *bought("SHORT", ("1", -3, "12"), ("2", -4, "12")),
        *bought("TWICE", ("1", 3, "12")),
    ]  # fmt: skip
    settled = (
        "select account_id, book_id, settled_quantity from marts.fct_positions where business_date = :day and settled_quantity <> 0"
        " order by array_position(array['BEFORE', 'OPEN', 'PART', 'BIT', 'WHOLE', 'SHORT', 'TWICE'], account_id), book_id"
    )
    firm.day(MON, dealt, {"I": "12"})
    firm.day(TUE, [], {"I": "12"}, settlement_statuses=moved(TUE, BEFORE1=3, BEFORE2=4, PART1=3, BIT1=2, BIT2=3, WHOLE2=3))
    halved = HALVED | {"ex_date": WED, "pay_date": WED}
    firm.day(WED, [], {"I": "24"}, corporate_actions=[halved])
    # BEFORE: one and a half and two are three. PART has one and a half, so one. BIT has one and one and a half, two and a half, so two: the
    # half is book 2's. WHOLE has one and a half, so one, though its books hold three. What has not settled is nothing.
    assert rows(settled, day=WED) == [
        ("BEFORE", "1", 1), ("BEFORE", "2", 2), ("PART", "1", 1), ("BIT", "1", 1), ("BIT", "2", 1), ("WHOLE", "2", 1),
    ]  # fmt: skip
    assert failing_rows("negative_settled_position", WED) == []

    late = moved(THU, OPEN1=3, OPEN2=4, PART2=4, BIT1=1, BIT2=1, WHOLE1=3, SHORT1=-3, SHORT2=-4)
    firm.day(THU, [], {"I": "24"}, settlement_statuses=late)
    # All have what they traded: three and a half are three, and three of WHOLE are three, of which book 1 has the half of book 2.
    assert rows(settled, day=THU) == [
        *((one, book, quantity) for one in ("BEFORE", "OPEN", "PART", "BIT") for book, quantity in (("1", 1), ("2", 2))),
        ("WHOLE", "1", 2), ("WHOLE", "2", 1), ("SHORT", "1", -1), ("SHORT", "2", -2),
    ]  # fmt: skip
    unsettled = (
        "select account_id, traded_quantity from marts.fct_positions where business_date = :day and settled_quantity <> traded_quantity"
    )
    assert rows(unsettled, day=THU) == [("TWICE", 1)]
    assert [row["account_id"] for row in failing_rows("negative_settled_position", THU)] == ["SHORT"]  # it delivered what it never had

    # Three settle after they were halved, and what is whole of them was doubled: one and a half, one, two.
    doubled = HALVED | {"event_id": "D", "event_type": "SPLIT", "ex_date": FRI, "pay_date": FRI, "new_units": 2, "old_units": 1}
    firm.day(FRI, [], {"I": "12"}, corporate_actions=[doubled], settlement_statuses=moved(FRI, TWICE1=3))
    assert rows(settled, day=FRI)[-1] == ("TWICE", "1", 2)
    assert rows(unsettled, day=FRI) == []
    assert_books_tie()
    assert_rebuilt_the_same()
