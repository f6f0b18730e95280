"""Business-day conventions: where a date that falls on a closed day goes."""

from calendar import monthrange
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from posttrade.domain.bank_calendars import BANK_CALENDARS, is_bank_day
from posttrade.domain.calendars import roll_following

ONE_DAY = timedelta(days=1)


class BusinessDayConvention(StrEnum):
    """Where a closed day goes (2006 ISDA Definitions, 4.12)."""

    UNADJUSTED = "Unadjusted"
    FOLLOWING = "Following"
    MODIFIED_FOLLOWING = "Modified Following"
    """Following, but Preceding where that would be in the next month."""
    MODIFIED_FOLLOWING_HALF_MONTH = "Modified Following Half Month"
    """Following, but Preceding where that would pass the 15th or the end of the month."""
    PRECEDING = "Preceding"
    MODIFIED_PRECEDING = "Modified Preceding"
    """Preceding, but Following where that would be in the month before."""
    NEAREST = "Nearest"
    """The nearer open day, the later of two as near."""


@dataclass(frozen=True)
class BusinessDays:
    """A convention and the calendar whose closed days it moves."""

    convention: BusinessDayConvention = BusinessDayConvention.UNADJUSTED
    calendar: str = "WEEKENDS-ONLY"
    """A bank calendar, or the MIC of a market (ISO 10383)."""

    def is_open(self, day: date) -> bool:
        """Whether the calendar is open; a market outside its published years is taken to close on weekends only.

        Raises:
            ValueError: the market is unknown.
        """
        if self.calendar in BANK_CALENDARS:
            return is_bank_day(self.calendar, day)
        return roll_following(self.calendar, day) == day

    def adjust(self, day: date) -> date:
        """The day itself if it is open, else the day the convention moves it to.

        Raises:
            ValueError: the market is unknown.
        """
        return adjust(day, self.convention, self.is_open)

    def days_before(self, day: date, count: int) -> date:
        """The open day that lies `count` open days before `day`, whatever the convention."""
        for _ in range(count):
            day = _next_open(day - ONE_DAY, -ONE_DAY, self.is_open)
        return day

    def days_after(self, day: date, count: int) -> date:
        """The open day that lies `count` open days after `day`, whatever the convention."""
        for _ in range(count):
            day = _next_open(day + ONE_DAY, ONE_DAY, self.is_open)
        return day


def adjust(day: date, convention: BusinessDayConvention, is_open: Callable[[date], bool]) -> date:
    """The day itself if it is open, else the day the convention moves it to."""
    if convention is BusinessDayConvention.UNADJUSTED or is_open(day):
        return day
    after, before = _next_open(day, ONE_DAY, is_open), _next_open(day, -ONE_DAY, is_open)
    match convention:
        case BusinessDayConvention.FOLLOWING:
            return after
        case BusinessDayConvention.MODIFIED_FOLLOWING:
            return after if after.month == day.month else before
        case BusinessDayConvention.MODIFIED_FOLLOWING_HALF_MONTH:
            return after if after.month == day.month and not day.day <= 15 < after.day else before
        case BusinessDayConvention.PRECEDING:
            return before
        case BusinessDayConvention.MODIFIED_PRECEDING:
            return before if before.month == day.month else after
        case BusinessDayConvention.NEAREST:
            return before if day - before < after - day else after


def is_month_end(day: date) -> bool:
    """Whether it is the last day of its month, open or not."""
    return day.day == monthrange(day.year, day.month)[1]


def _next_open(day: date, step: timedelta, is_open: Callable[[date], bool]) -> date:
    while not is_open(day):
        day += step
    return day
