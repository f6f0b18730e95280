"""Days on which banks and settlement systems work; closed at times while the exchange is open. procedures/calendars.yaml names them."""

from datetime import date
from functools import lru_cache
from typing import Any

import QuantLib as ql

from posttrade.domain.calendar_rules import calendar_rules

BANK_CALENDARS = tuple(calendar_rules().banks)
"""The calendars known, by name."""


@lru_cache(maxsize=100_000)
def is_bank_day(calendar: str, day: date) -> bool:
    """Whether banks settle on that day.

    Raises:
        ValueError: no bank calendar of that name is known.
    """
    return bool(_rules(calendar).isBusinessDay(ql.Date(day.day, day.month, day.year)))


@lru_cache(maxsize=64)
def _rules(calendar: str) -> Any:
    known = calendar_rules().banks.get(calendar)
    if known is None:
        raise ValueError(f"no bank calendar is known for {calendar!r}; expected one of {', '.join(BANK_CALENDARS)}")
    kind = getattr(ql, known.quantlib[0])
    return kind(*(getattr(kind, member) for member in known.quantlib[1:]))
