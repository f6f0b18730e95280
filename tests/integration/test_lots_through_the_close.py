"""Lots through the daily close: knowledge states, methods by account and date, sleeves."""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value

pytestmark = pytest.mark.usefixtures("fresh_database")
THURSDAY, FRIDAY, MONDAY, TUESDAY, WEDNESDAY = (date(2020, 3, day) for day in (5, 6, 9, 10, 11))
FIFO = {"account_id": "A", "valid_from": "2020-01-01", "lot_method": "FIFO"}


def results_known_at(day: date) -> dict[str, tuple[Decimal, Decimal]]:
    """Realised by closing trade, local and base, as the books of that date had it."""
    found = rows(
        "select closing_trade_id, sum(realised_amount), sum(realised_amount_base) from marts.fct_realised_results"
        " where business_date <= :day group by 1",
        day=day,
    )
    return {trade_id.removeprefix("CSV~"): (local, base) for trade_id, local, base in found}


def test_a_back_dated_sale_and_an_amended_price_work_the_lots_out_again() -> None:
    """Three knowledge states; finbourne/sample-notebooks, taxlot_accounting_backdated_transactions.csv, GBP book."""
    firm = SmallFirm(base="GBP")
    rate = {"USD": "0.77"}

    def apple(name: str, day: str, quantity: int, price: str, fx_rate: str, **changes: object) -> dict[str, object]:
        return trade(name, day, quantity, price, fx_rate=fx_rate, **changes)

    firm.day(THURSDAY, [apple("txn_002", "2020-03-05", 100000, "167.63", "0.772475")], {"I": "167.63"}, rate, lot_methods=[FIFO])
    firm.day(FRIDAY, [apple("txn_003", "2020-03-06", 100000, "162.98", "0.76482")], {"I": "162.98"}, rate)
    bought = apple("txn_004", "2020-03-07", 100000, "165.42", "0.766342", executed_at="2020-03-07T09:00:00Z")
    firm.day(MONDAY, [bought, apple("txn_005", "2020-03-08", -150000, "166.39", "0.766355")], {"I": "166.39"}, rate)
    late = apple("late", "2020-03-07", -100000, "166.97", "0.766355", executed_at="2020-03-07T12:00:00Z")
    firm.day(TUESDAY, [late], {"I": "166.39"}, rate)
    firm.day(WEDNESDAY, [{**bought, "version": 2, "event_type": "AMEND", "price": "164.86"}], {"I": "166.39"}, rate)

    lots = "select lot_id, open_quantity, cost_amount from marts.fct_lots where business_date = :day order by opened_date"
    assert rows(lots, day=MONDAY) == [("CSV~txn_003", 50000, Decimal(8149000)), ("CSV~txn_004", 100000, Decimal(16542000))]
    assert rows(lots, day=TUESDAY) == [("CSV~txn_004", 50000, Decimal(8271000))]
    assert rows(lots, day=WEDNESDAY) == [("CSV~txn_004", 50000, Decimal(8243000))]

    cent = Decimal("0.01")  # the source rounds at the end, the books at each event
    expected = {
        MONDAY: {"txn_005": ("46500.00", "-54445.34")},
        TUESDAY: {"late": ("-66000.00", "-153168.99"), "txn_005": ("389500.00", "323620.23")},
        WEDNESDAY: {"late": ("-66000.00", "-153168.99"), "txn_005": ("417500.00", "345077.80")},
    }
    for day, by_trade in expected.items():
        known = results_known_at(day)
        assert known.keys() == by_trade.keys()
        for name, (local, base) in by_trade.items():
            assert known[name][0] == Decimal(local), (day, name)
            assert abs(known[name][1] - Decimal(base)) <= cent, (day, name)
    # The day's realised result is what changed against the day before.
    realised = "select realised_amount from marts.fct_profit_and_loss where business_date = :day and instrument_id = 'I'"
    assert value(realised, day=TUESDAY) == 389500 - 66000 - 46500
    assert value(realised, day=WEDNESDAY) == 28000
    assert_books_tie()


def test_the_order_of_arrival_leaves_no_trace() -> None:
    """Two books get the same trades, one in order, the other the wrong way round with an amendment and a cancelled trade between."""
    firm = SmallFirm(books=("B", "C"), accounts=("A",))
    first = trade("1", THURSDAY, 10, "10.00", fx_rate="1")
    second = trade("2", FRIDAY, 7, "11.10", fee_amount="0.03")
    third = trade("3", MONDAY, -12, "12.34", fee_amount="0.05")

    def in_c(one: dict[str, object], **changes: object) -> dict[str, object]:
        return {**one, "trade_id": f"C{one['trade_id']}", "book_id": "C"} | changes

    firm.day(THURSDAY, [first], {"I": "10.00"}, lot_methods=[FIFO])
    firm.day(FRIDAY, [second, in_c(trade("X", FRIDAY, 1000, "99.99"))], {"I": "11.00"})
    firm.day(MONDAY, [third, in_c(third, price="1.00")], {"I": "12.00"})
    firm.day(
        TUESDAY,
        [in_c(second), {"trade_id": "CX", "version": 2, "event_type": "CANCEL"}, in_c(third, version=2, event_type="AMEND")],
        {"I": "12.00"},
    )
    firm.day(WEDNESDAY, [in_c(first)], {"I": "12.00"})

    lots = (
        "select replace(lot_id, '~C', '~'), opened_date, open_quantity, cost_amount, cost_amount_base from marts.fct_lots"
        " where business_date = :day and book_id = :book order by 1"
    )
    assert rows(lots, day=WEDNESDAY, book="C") == rows(lots, day=WEDNESDAY, book="B") != []
    totals = (
        "select sum(realised_amount), sum(realised_amount_base), sum(total_amount_base) from marts.fct_profit_and_loss"
        " where book_id = :book and instrument_id = 'I'"
    )
    assert rows(totals, book="C") == rows(totals, book="B")
    # The cancelled trade: nothing in totals, everything in history.
    assert value("select count(*) from books.trade_versions where trade_id = 'CSV~CX'") == 2
    assert value("select sum(quantity) from intermediate.int_trades__movements where trade_id = 'CSV~CX'") == 0
    assert_books_tie()


def test_methods_are_those_of_the_account_from_their_date_on_and_sleeves_do_not_mix() -> None:
    firm = SmallFirm(books=("SLEEVE1", "SLEEVE2"), accounts=("A", "L"))

    def johnson(name: str, day: date, quantity: int, price: str, book: str, account: str) -> dict[str, object]:
        return trade(f"{name}-{book}-{account}", day, quantity, price, book_id=book, account_id=account)

    keys = [(book, account) for book in ("SLEEVE1", "SLEEVE2") for account in ("A", "L")]
    lifo_from_monday = {"account_id": "L", "valid_from": MONDAY, "lot_method": "LIFO"}
    fifo_before = {"account_id": "L", "valid_from": THURSDAY, "lot_method": "FIFO"}
    firm.day(THURSDAY, [johnson("1", THURSDAY, 25000, "162.53", *key) for key in keys], {"I": "162"}, lot_methods=[fifo_before])
    firm.day(FRIDAY, [johnson("2", FRIDAY, 25000, "163.42", *key) for key in keys], {"I": "163"}, lot_methods=[lifo_from_monday])
    firm.day(MONDAY, [johnson("3", MONDAY, -25000, "160.60", *key) for key in keys], {"I": "160"})
    costs = {
        (book, account): cost
        for book, account, cost in rows(
            "select book_id, account_id, sum(cost_amount) from marts.fct_lots where business_date = :day group by 1, 2", day=MONDAY
        )
    }
    # Average for account A, as its product line says; LIFO for L. finbourne/sample-notebooks (JNJ rows).
    assert costs == {(book, account): Decimal("4074375.00" if account == "A" else "4063250.00") for book, account in keys}
    # FIFO after all, known a day later: worked out again, and the difference of the closed date is booked in the open one.
    firm.day(TUESDAY, [], {"I": "160"}, lot_methods=[{**lifo_from_monday, "lot_method": "FIFO"}])
    changed = "select sum(realised_amount) from marts.fct_profit_and_loss where business_date = :day and account_id = 'L'"
    assert value(changed, day=MONDAY) == 2 * Decimal("-70500.00")
    assert value(changed, day=TUESDAY) == 2 * (Decimal("-48250.00") - Decimal("-70500.00"))
    assert value("select sum(cost_amount) from marts.fct_lots where business_date = :day and account_id = 'L'", day=TUESDAY) == Decimal(
        "8171000.00"
    )
    assert_books_tie()
