"""Days on which banks and settlement systems work; closed at times while the exchange is open. Rules are QuantLib's."""

from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Any

import QuantLib as ql


class BankCalendar(StrEnum):
    """The calendars known."""

    TARGET = "TARGET"
    """The euro's payment system T2 (Guideline (EU) 2022/912)."""
    US_FEDERAL_RESERVE = "US-FEDERAL-RESERVE"
    """Fedwire: a holiday that falls on a Saturday is not made up for."""
    US_SETTLEMENT = "US-SETTLEMENT"
    """Federal holidays; one that falls on a Saturday is observed on the Friday."""
    UK_SETTLEMENT = "UK-SETTLEMENT"
    """Bank holidays of England and Wales."""
    US_GOVERNMENT_BONDS = "US-GOVERNMENT-BONDS"
    """The days SIFMA recommends for trading US Treasuries."""
    WEEKENDS_ONLY = "WEEKENDS-ONLY"
    """Closed on Saturdays and Sundays, open on every holiday."""


def is_bank_day(calendar: BankCalendar, day: date) -> bool:
    """Whether banks settle on that day."""
    return bool(_rules(calendar).isBusinessDay(ql.Date(day.day, day.month, day.year)))


@lru_cache(maxsize=len(BankCalendar))
def _rules(calendar: BankCalendar) -> Any:
    match calendar:
        case BankCalendar.TARGET:
            return ql.TARGET()
        case BankCalendar.US_FEDERAL_RESERVE:
            return ql.UnitedStates(ql.UnitedStates.FederalReserve)
        case BankCalendar.US_SETTLEMENT:
            return ql.UnitedStates(ql.UnitedStates.Settlement)
        case BankCalendar.UK_SETTLEMENT:
            return ql.UnitedKingdom(ql.UnitedKingdom.Settlement)
        case BankCalendar.US_GOVERNMENT_BONDS:
            return ql.UnitedStates(ql.UnitedStates.GovernmentBond)
        case BankCalendar.WEEKENDS_ONLY:
            return ql.WeekendsOnly()
