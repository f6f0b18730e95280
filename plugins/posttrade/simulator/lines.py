"""The other product lines of the simulated firm: instruments, events that change positions, fixings, and prices that follow others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from posttrade.simulator.calendars import is_euro_bank_day
from posttrade.simulator.events import UnitEvent
from posttrade.simulator.reference import Instrument

Integers = npt.NDArray[np.int64]

INDEX_NAME = "EXIBOR-3M"
FUND_VALUED_EVERY = 3
SPIN_OFF_SHARE = Decimal("0.2")


@dataclass(frozen=True)
class Announcement:
    """A row of the corporate actions file, told on a business date."""

    told_no: int
    row: Mapping[str, object]


@dataclass(frozen=True)
class Fixing:
    """An index fixing; `rate` is percent a year."""

    fixing_date: date
    rate: Decimal


@dataclass
class Lines:
    """The other instruments and all that is planned for them.

    Args:
        instruments: the shares and bonds that trade anyway, and the others after them.
        events: what turns units into others, in order.
        announcements: what of it is told in files; the rest follows from the terms of the instruments.
        repayments: instrument, date and percent of the original nominal.
        fixings: of `INDEX_NAME`.
    """

    instruments: tuple[Instrument, ...]
    events: list[UnitEvent] = field(default_factory=list)
    announcements: list[Announcement] = field(default_factory=list)
    repayments: list[tuple[str, date, Decimal]] = field(default_factory=list)
    fixings: list[Fixing] = field(default_factory=list)
    prices: "Repricing" = field(default_factory=lambda: Repricing())

    @property
    def received(self) -> list[tuple[str, str]]:
        """Pairs of instruments of which the first turns into the second."""
        return list(dict.fromkeys((one.instrument_id, one.received_instrument_id) for one in self.events if one.received_instrument_id))

    @property
    def eventful(self) -> set[str]:
        """Instruments that an event takes or brings."""
        return {name for one in self.events for name in (one.instrument_id, one.received_instrument_id)}

    def eventful_until(self, day: date) -> set[str]:
        """Instruments that an event takes by a day."""
        return {one.instrument_id for one in self.events if one.ex_date <= day}

    @property
    def futures(self) -> list[int]:
        """Places of the futures among the instruments."""
        return [number for number, one in enumerate(self.instruments) if one.is_future]

    def percent_of_period(self, one: Instrument, start: date, end: date) -> Decimal:
        """Interest of a floating-rate bond for a period, in percent of nominal: ACT/360.

        Raises:
            LookupError: the rate of the period is not fixed.
        """
        fixed_on = bank_days_before(start, int(str(one.terms["fixing_days"])))
        for fixing in self.fixings:
            if fixing.fixing_date == fixed_on:
                return (fixing.rate + Decimal(str(one.terms["spread"]))) * (end - start).days / 360
        raise LookupError(f"{INDEX_NAME} has no fixing of {fixed_on}.")


def bank_days_before(day: date, count: int) -> date:
    """The day `count` business days of T2 before `day`."""
    while count:
        day -= timedelta(days=1)
        count -= is_euro_bank_day(day)
    return day


class Repricing:
    """What prices must be because of other prices or an event; thousandths, by number of the instrument."""

    def __init__(self) -> None:
        self.splits: dict[int, list[tuple[int, int]]] = {}
        """By day: instrument and how many units one becomes."""
        self.spin_offs: dict[int, list[tuple[int, int]]] = {}
        """By day: old and new instrument."""
        self.rights: dict[int, list[tuple[int, int, int]]] = {}
        """By day: share, right and subscription price."""
        self.exercisable: list[tuple[int, int, int]] = []
        self.mergers: list[tuple[int, int, int]] = []
        """Target, buyer, and units of the buyer for one of the target."""
        self.options: list[tuple[int, int, int, bool, date]] = []
        """Option, underlying, strike, whether a call, expiry."""
        self.fund_numbers: set[int] = set()

    def moves(self, number: int, day_no: int) -> bool:
        """Whether the price of an instrument moves by itself on a day: a fund is valued on some days only."""
        return number not in self.fund_numbers or day_no % FUND_VALUED_EVERY == 0

    def apply(self, day_no: int, day: date, closes: Integers) -> None:
        """Changes the closing prices of a day, after the market has moved them."""
        for number, units in self.splits.get(day_no, ()):
            closes[number] = _whole_cents(closes[number] / units)
        for old, new in self.spin_offs.get(day_no, ()):
            closes[new] = _whole_cents(closes[old] * float(SPIN_OFF_SHARE))
            closes[old] -= closes[new]
        for share, right, subscription in self.rights.get(day_no, ()):
            closes[share] = _whole_cents((closes[share] + subscription) / 2)
            self.exercisable.append((share, right, subscription))
        for share, right, subscription in self.exercisable:
            closes[right] = max(10, closes[share] - subscription)
        for target, buyer, units in self.mergers:
            closes[target] = _whole_cents(closes[buyer] * units * 0.99)
        for option, underlying, strike, is_call, expiry in self.options:
            inner = int(closes[underlying] - strike) * (1 if is_call else -1)
            # What is paid for the time that is left, less the further the option is from the money.
            years = max((expiry - day).days, 0) / 365
            outer = float(closes[underlying]) * 0.08 * years**0.5
            closes[option] = _whole_cents(max(inner, 0) + max(outer - abs(inner) * 0.1, 0.0) + 20)


def _whole_cents(thousandths: float) -> int:
    return max(10, round(float(thousandths) / 10) * 10)


def fixings_told(lines: Lines, dates: Sequence[date], day_no: int) -> Iterator[Fixing]:
    """The fixings that are published on a business date, or were since the one before."""
    before = dates[day_no - 1] if day_no else date.min
    return (one for one in lines.fixings if before < one.fixing_date <= dates[day_no])
