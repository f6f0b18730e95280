"""When the simulated markets settle."""

from datetime import date, timedelta

import pytest

from posttrade.simulator.calendars import MarketCalendar, is_dollar_holiday, is_euro_bank_day


@pytest.mark.parametrize(
    ("trade_date", "settlement_date"),
    [
        # Columbus Day and Veterans Day, Mondays in 2024: the exchange is open and banks are closed. A trade of the Friday before and one of
        # the day itself settle on Tuesday (FINRA, schedule of regular-way transactions around the two holidays).
        (date(2024, 10, 10), date(2024, 10, 11)),
        (date(2024, 10, 11), date(2024, 10, 15)),
        (date(2024, 10, 14), date(2024, 10, 15)),
        (date(2024, 11, 8), date(2024, 11, 12)),
        (date(2024, 11, 11), date(2024, 11, 12)),
    ],
)
def test_nothing_settles_while_banks_are_closed_and_the_exchange_is_open(trade_date: date, settlement_date: date) -> None:
    calendar = MarketCalendar("XNYS", date(2024, 10, 1), date(2024, 11, 30))
    assert calendar.settlement_date(trade_date) == settlement_date


def test_bank_holidays_are_those_the_central_banks_publish() -> None:
    # Federal Reserve, holiday schedule of 2026: 4 July is a Saturday, and the banks are open on Friday.
    days = (date(2026, 1, 1) + timedelta(days=number) for number in range(365))
    assert [(day.month, day.day) for day in days if day.weekday() < 5 and is_dollar_holiday(day)] == [
        (1, 1), (1, 19), (2, 16), (5, 25), (6, 19), (9, 7), (10, 12), (11, 11), (11, 26), (12, 25),
    ]  # fmt: skip
    # 4 July 2027 is a Sunday, observed on Monday.
    assert is_dollar_holiday(date(2027, 7, 5))
    # ECB, TARGET closing days: Good Friday and Easter Monday of 2026, and Labour Day.
    assert not any(is_euro_bank_day(day) for day in (date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1)))
    assert is_euro_bank_day(date(2026, 12, 24))
