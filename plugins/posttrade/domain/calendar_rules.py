"""The table of calendars, procedures/calendars.yaml: which there are, and where markets differ from the library's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path

import QuantLib as ql

from posttrade.domain.tables import FOLDER, STRICT, Reason, read_table

FILE = FOLDER / "calendars.yaml"


@dataclass(frozen=True)
class BankRules:
    """Where the rules of a bank calendar are."""

    __pydantic_config__ = STRICT
    quantlib: tuple[str, ...]
    """The class of QuantLib and, where it takes one, its member."""
    source: Reason

    def __post_init__(self) -> None:
        kind = getattr(ql, self.quantlib[0], None) if 1 <= len(self.quantlib) <= 2 else None
        if kind is None or not all(hasattr(kind, member) for member in self.quantlib[1:]):
            raise ValueError(
                f"{' '.join(self.quantlib)!r} is no calendar of QuantLib; expected its class and, where it takes one, its member"
            )


@dataclass(frozen=True)
class MarketRules:
    """Where a market differs from its calendar in the library."""

    __pydantic_config__ = STRICT
    same_as: str | None = None
    """The calendar it keeps; None for its own."""
    closed: Mapping[date, Reason] = field(default_factory=dict)
    """Sessions that the calendar has too many, with the reason."""
    opened: Mapping[date, Reason] = field(default_factory=dict)
    """Sessions that it lacks, with the reason."""
    source: str = ""


@dataclass(frozen=True)
class CalendarRules:
    """The whole table."""

    __pydantic_config__ = STRICT
    banks: Mapping[str, BankRules]
    markets: Mapping[str, MarketRules]


@lru_cache(maxsize=8)
def calendar_rules(file: Path = FILE) -> CalendarRules:
    """The table, read once.

    Raises:
        ValueError: the file breaks the form; the message names it, the place and what was expected.
    """
    rules: CalendarRules = read_table(file, CalendarRules)
    return rules
