"""The table of overnight rates, procedures/overnight_indexes.yaml: which there are, and when they are published."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from posttrade.domain.bank_calendars import BANK_CALENDARS
from posttrade.domain.tables import FOLDER, STRICT, Reason, read_table

FILE = FOLDER / "overnight_indexes.yaml"


@dataclass(frozen=True)
class OvernightIndex:
    """What is known of an overnight rate."""

    __pydantic_config__ = STRICT
    calendar: str
    """The days it is published for."""
    year_days: int
    """The days of a year that its percent a year are quoted for: 360 or 365."""
    source: Reason

    def __post_init__(self) -> None:
        if self.calendar not in BANK_CALENDARS:
            raise ValueError(f"{self.calendar!r} is no bank calendar; expected one of {', '.join(BANK_CALENDARS)}")
        if self.year_days not in (360, 365):
            raise ValueError(f"{self.year_days} are not the days of a year; expected 360 or 365")


@lru_cache(maxsize=8)
def overnight_indexes(file: Path = FILE) -> Mapping[str, OvernightIndex]:
    """The overnight rates by name, read once.

    Raises:
        ValueError: the file breaks the form; the message names it, the place and what was expected.
    """
    indexes: Mapping[str, OvernightIndex] = read_table(file, dict[str, OvernightIndex])
    return indexes
