"""Published time-weighted returns through the close: what `rpt_book_returns` says of portfolios with their flows and values.

Each portfolio is a book of one instrument on business days that follow one another. Flows are bought and sold at 1.00, so their sizes are
those of the source, and the closing price makes the position worth what the source says.

The sample's figures for 4, 5, 7 and 8 January 2012 stand elsewhere as 0.0294117647, 0.0285714286, -0.0545454545 and -0.0865384615, its
returns before its amounts were rounded to cents; the answers here follow from the amounts.
"""

import csv
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade

from posttrade.domain.calendars import sessions_between

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("fresh_database")]
DATA = Path(__file__).parents[1] / "data" / "conformance" / "performance_returns.csv"


def test_published_time_weighted_returns() -> None:
    """Money that comes in works from the start of the day on, money that leaves until its end."""
    portfolios = defaultdict(list)
    with DATA.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            portfolios[row["case"]].append(row)
    longest = max(len(told) for told in portfolios.values())
    days = sessions_between("XNYS", date(2026, 1, 5), date(2026, 1, 30))[:longest]
    firm = SmallFirm(instruments=[{"instrument_id": case} for case in portfolios], books=list(portfolios))
    units: dict[str, Decimal] = defaultdict(Decimal)
    for number, day in enumerate(days):
        trades, prices = [], {}
        for case, told in portfolios.items():
            if number >= len(told):
                continue
            flow = Decimal(told[number]["flow_amount"])
            units[case] += flow
            prices[case] = round(Decimal(told[number]["value_amount"]) / units[case], 10)
            if flow:
                trades.append(trade(f"{case}-{number}", day, flow, "1.00", book_id=case, instrument_id=case))
        firm.day(day, trades, prices)

    query = "select book_id, business_date, return_ratio, unit_price / 100 - 1, closing_value_amount_base from marts.rpt_book_returns"
    found = {(book, day): figures for book, day, *figures in rows(query)}
    for case, told in portfolios.items():
        for day, row in zip(days, told, strict=False):
            returned, accumulated, worth = found[case, day]
            tolerance = Decimal(row["tolerance"])
            assert worth == Decimal(row["value_amount"]), (case, day)
            assert abs(returned - Decimal(row["expected_return"])) <= tolerance, (case, day)
            assert abs(accumulated - Decimal(row["expected_accumulated"])) <= tolerance, (case, day)
    assert_books_tie()
