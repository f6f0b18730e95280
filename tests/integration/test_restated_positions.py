"""Splits through the close: Apple's two for one of 2005-02-28 at real prices, and splits that come late or are taken back.

Prices: package bokeh-sampledata. The split: Apple's Form 10-Q of March 2005.
"""

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from decimal_books import cents
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value
from integration.test_real_prices import history

from posttrade.domain.calendars import sessions_between

pytestmark = pytest.mark.usefixtures("fresh_database")
EX_DATE = date(2005, 2, 28)
SPLIT = {
    "event_id": "AAPL-SPLIT", "instrument_id": "I", "event_type": "SPLIT", "event_status": "ANNOUNCED", "ex_date": EX_DATE,
    "pay_date": EX_DATE, "currency_code": "USD", "new_units": 2, "old_units": 1,
}  # fmt: skip
FIFO = {"account_id": "A", "valid_from": "2000-01-01", "lot_method": "FIFO"}
RESULT = "select {} from marts.fct_profit_and_loss where business_date = :day and instrument_id = 'I'"


def test_apples_split_moves_no_value_and_no_cost() -> None:
    firm = SmallFirm()
    days = list(sessions_between("XNYS", date(2005, 2, 24), date(2005, 3, 2)))
    closes, adjusted = history("AAPL", "close"), history("AAPL", "adj_close")
    for number, day in enumerate(days):
        bought = [trade("1", day, 1000, closes[day]), trade("2", day, 7, "88.99", fee_amount="0.01")] if number == 0 else []
        sold = [trade("3", day, -501, closes[day])] if day == days[-1] else []
        firm.day(day, [*bought, *sold], {"I": closes[day]}, corporate_actions=[SPLIT] if number == 1 else [], lot_methods=[FIFO])

    positions = dict(rows("select business_date, traded_quantity from marts.fct_positions where instrument_id = 'I'"))
    assert [positions[day] for day in days] == [1007, 1007, 2014, 2014, 1513]
    # The cost of all lots stays; a lot's price per unit halves.
    lots = "select lot_id, open_quantity, cost_amount from marts.fct_lots where business_date = :day order by 1"
    cost = 1000 * closes[days[0]]
    assert rows(lots, day=EX_DATE) == [("CSV~1", 2000, cost), ("CSV~2", 14, Decimal("622.94"))]
    assert value(RESULT.format("realised_amount"), day=days[-1]) == cents(501 * closes[days[-1]]) - cents(cost * 501 / 2000)
    # Every day's result is the return of the adjusted close, which knows the split; no step of the split is a result of its own.
    for before, day in pairwise(days):
        implied = positions[before] * closes[before] * (adjusted[day] / adjusted[before] - 1)
        assert abs(value(RESULT.format("total_amount"), day=day) - implied) <= positions[before] * Decimal("0.02"), day
    assert value(RESULT.format("price_amount"), day=EX_DATE) == 2014 * closes[EX_DATE] - 1007 * closes[date(2005, 2, 25)]
    assert value(RESULT.format("new_trades_amount + corporate_actions_amount + residual_amount"), day=EX_DATE) == 0
    assert_books_tie()


def test_a_split_that_comes_late_is_withdrawn_and_meets_a_late_trade_is_explained() -> None:
    firm = SmallFirm()
    first, second, third, fourth, fifth = sessions_between("XNYS", date(2005, 2, 25), date(2005, 3, 3))
    firm.day(first, [trade("1", first, 100, "90.00")], {"I": "90.00"})
    firm.day(second, [], {"I": "45.00"})  # ex, and nobody has said so: half the value seems lost
    assert value(RESULT.format("price_amount"), day=second) == -4500
    firm.day(third, [], {"I": "45.00"}, corporate_actions=[SPLIT])
    assert value(RESULT.format("corporate_actions_amount"), day=third) == 4500
    assert value(RESULT.format("total_amount"), day=third) == 4500
    # A trade of before the split, told after it: 10 at 91.00 are 20 at 45.00.
    firm.day(fourth, [trade("2", first, 10, "91.00")], {"I": "45.00"})
    assert rows("select traded_quantity, cost_amount from marts.fct_positions where business_date = :day", day=fourth) == [
        (220, Decimal(9910))
    ]
    assert rows(RESULT.format("late_trades_amount, corporate_actions_amount, total_amount"), day=fourth) == [(-10, 0, -10)]
    # Withdrawn: back to the old units, and the loss is back too.
    firm.day(fifth, [], {"I": "45.00"}, corporate_actions=[{**SPLIT, "event_status": "WITHDRAWN"}])
    assert rows("select traded_quantity, cost_amount from marts.fct_positions where business_date = :day", day=fifth) == [
        (110, Decimal(9910))
    ]
    assert value(RESULT.format("corporate_actions_amount"), day=fifth) == -4950
    # What was reported of the closed dates still stands.
    assert value("select traded_quantity from marts.fct_positions where business_date = :day", day=second) == 100
    assert_books_tie()
