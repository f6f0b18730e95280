"""Closing prices, exchange rates and dividend announcements of the simulated world.

Prices are counted in thousandths (of a currency unit, or of a percent of nominal for bonds), so that what is written is
exact.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posttrade.errors import PosttradeError
from posttrade.simulator.calendars import MarketCalendar
from posttrade.simulator.files import COLUMNS, write_csv
from posttrade.simulator.lines import INDEX_NAME, Lines, fixings_told
from posttrade.simulator.reference import CURRENCIES, Instrument

EURO_VALUES = {"EUR": 1_000_000, "USD": 920_000, "GBP": 1_160_000, "CHF": 1_060_000}
"""Millionths of a euro that one unit of a currency is worth at the start."""

_OWN_MOVES = {"equity": 0.009, "etf": 0.003, "fund": 0.002, "future": 0.002, "option": 0.0, "bond_floating": 0.0003, "bond_zero": 0.0008}
"""Standard deviation of a day's move of its own, as a fraction; fixed-rate bonds 0.0012."""
_LARGEST_DAILY_MOVE = 0.04
_OUTLIER_MOVE = 1.3


@dataclass(frozen=True)
class Dividend:
    """A cash dividend; `amount` is in thousandths of a currency unit per share."""

    event_id: str
    instrument_no: int
    announced_no: int
    ex_no: int
    ex_date: date
    record_date: date
    pay_date: date
    amount: int

    @property
    def amount_per_unit(self) -> Decimal:
        return Decimal(self.amount) / 1000


@dataclass(frozen=True)
class Oddities:
    """What is wrong on purpose, so that an operator has something to find; a number is a place in the list of dates."""

    unpriced_instrument_no: int | None = None
    unpriced_day_no: int | None = None
    outlier_instrument_no: int | None = None
    outlier_day_no: int | None = None


class Market:
    """The market's random walk, one business date after the other.

    Args:
        universe: the instruments.
        calendars: one calendar for each market of the universe.
        dates: business dates of the firm.
        base_currency: currency that exchange rates are quoted in.
        seed: makes the walk repeatable.
        lines: the other product lines and their events.
    """

    def __init__(
        self,
        universe: Sequence[Instrument],
        calendars: dict[str, MarketCalendar],
        dates: Sequence[date],
        base_currency: str,
        seed: int,
        lines: Lines,
    ) -> None:
        if base_currency not in EURO_VALUES:
            raise PosttradeError(
                f"The simulated market has no exchange rates for the base currency {base_currency!r}.",
                f"Choose one of {', '.join(EURO_VALUES)}.",
            )
        self._universe = universe
        self._calendars = calendars
        self._dates = dates
        self._base_currency = base_currency
        self._seed = seed
        self._lines = lines
        self._is_bond = np.array([one.is_bond for one in universe])
        self._own_moves = np.array([_OWN_MOVES.get(one.product_line, 0.0012) for one in universe])
        self._currencies = tuple(dict.fromkeys((*CURRENCIES, base_currency)))
        self._euro_values = dict(EURO_VALUES)
        self.closes: npt.NDArray[np.int64] = np.array([one.first_price for one in universe], dtype=np.int64)
        self.dividends = tuple(self._dividends())
        self.oddities = self._oddities()

    def advance(self, day_no: int) -> None:
        """Moves prices and rates to the close of a business date."""
        random = np.random.default_rng([self._seed, 13, day_no])
        count = len(self._universe)
        common = random.normal(0.0, 0.0035)
        moves = np.where(
            self._is_bond,
            random.normal(0.0, 1.0, count) * self._own_moves,
            common + random.normal(0.0, 1.0, count) * self._own_moves,
        ).clip(-_LARGEST_DAILY_MOVE, _LARGEST_DAILY_MOVE)
        day = self._dates[day_no]
        is_open = np.array(
            [
                day <= one.traded_until and self._calendars[one.market_mic].is_open(day) and self._lines.prices.moves(number, day_no)
                for number, one in enumerate(self._universe)
            ]
        )
        moved = np.where(is_open, self.closes * (1.0 + moves), self.closes)
        if day_no == self.oddities.outlier_day_no:
            moved[self.oddities.outlier_instrument_no] *= _OUTLIER_MOVE
        for dividend in self.dividends:
            if dividend.ex_no == day_no:
                moved[dividend.instrument_no] -= dividend.amount
        whole_cents = np.maximum((moved / 10).round() * 10, 10)
        self.closes = np.where(self._is_bond, moved.round(), whole_cents).astype(np.int64)
        self._lines.prices.apply(day_no, day, self.closes)
        for currency in self._currencies:
            if currency != "EUR":
                change = float(random.normal(0.0, 0.003))
                self._euro_values[currency] = round(self._euro_values[currency] * (1.0 + change))

    def rate(self, currency: str) -> Decimal:
        """Units of the base currency for one unit of `currency`."""
        value = Decimal(self._euro_values[currency]) / Decimal(self._euro_values[self._base_currency])
        return value.quantize(Decimal("0.00000001"))

    def prices_of(self, numbers: Iterable[int]) -> dict[str, Decimal]:
        """The last closing prices of some instruments, by id."""
        return {self._universe[number].instrument_id: Decimal(int(self.closes[number])) / 1000 for number in numbers}

    def write(self, folder: Path, day_no: int) -> None:
        """Writes the closing prices, exchange rates and announcements of a business date."""
        write_csv(folder, "prices", self._price_rows(day_no))
        day = self._dates[day_no]
        rates = [(c, self._base_currency, day, self.rate(c)) for c in self._currencies if c != self._base_currency]
        write_csv(folder, "fx_rates", rates)
        announced = [dividend for dividend in self.dividends if dividend.announced_no == day_no]
        told = [[one.row.get(name) for name in COLUMNS["corporate_actions"]] for one in self._lines.announcements if one.told_no == day_no]
        if announced or told:
            write_csv(folder, "corporate_actions", [*map(self._announcement_row, announced), *told])
        fixings = [(INDEX_NAME, one.fixing_date, one.rate) for one in fixings_told(self._lines, self._dates, day_no)]
        if fixings:
            write_csv(folder, "index_fixings", fixings)
        if day_no == 0:
            write_csv(folder, "bond_repayments", self._lines.repayments)

    def _price_rows(self, day_no: int) -> Iterator[tuple[str, date, str, str]]:
        day = self._dates[day_no]
        for number, one in enumerate(self._universe):
            is_left_out = day_no == self.oddities.unpriced_day_no and number == self.oddities.unpriced_instrument_no
            is_priced = one.traded_from <= day <= one.traded_until and self._lines.prices.moves(number, day_no)
            if is_priced and self._calendars[one.market_mic].is_open(day) and not is_left_out:
                yield one.instrument_id, day, price_text(int(self.closes[number])), one.currency_code

    def _announcement_row(self, dividend: Dividend) -> tuple[object, ...]:
        one = self._universe[dividend.instrument_no]
        return (
            dividend.event_id, one.instrument_id, "CASH_DIVIDEND", "ANNOUNCED", dividend.ex_date, dividend.record_date,
            dividend.pay_date, dividend.amount_per_unit, one.currency_code, *[None] * (len(COLUMNS["corporate_actions"]) - 9),
        )  # fmt: skip

    def _dividends(self) -> Iterator[Dividend]:
        days = len(self._dates)
        random = np.random.default_rng([self._seed, 3])
        chosen = self._payers(random)
        for ex_no in range(1, days):
            for _ in range(2 if ex_no <= 2 else 1):
                if ex_no % 5 == 0 or (number := next(chosen, None)) is None:
                    continue
                ex_date = self._dates[ex_no]
                calendar = self._calendars[self._universe[number].market_mic]
                if not calendar.is_open(ex_date):
                    continue
                record_date = calendar.rolled_following(date.fromordinal(ex_date.toordinal() + 1))
                pay_date = calendar.rolled_following(date.fromordinal(record_date.toordinal() + 1))
                yield Dividend(
                    event_id=f"DIV{ex_date:%Y%m%d}{number:03d}",
                    instrument_no=number,
                    announced_no=max(0, ex_no - 3),
                    ex_no=ex_no,
                    ex_date=ex_date,
                    record_date=record_date,
                    pay_date=pay_date,
                    amount=int(random.integers(20, 130)) * 10,
                )

    def _payers(self, random: np.random.Generator) -> Iterator[int]:
        """Every equity once, in a random order that goes round the markets."""
        by_market: dict[str, list[int]] = {}
        for number in random.permutation(len(self._universe)).tolist():
            one = self._universe[number]
            if one.product_line == "equity" and one.instrument_id not in self._lines.eventful:
                by_market.setdefault(self._universe[number].market_mic, []).append(number)
        for round_of_markets in zip_longest(*(by_market[market] for market in sorted(by_market))):
            yield from (number for number in round_of_markets if number is not None)

    def _oddities(self) -> Oddities:
        if len(self._dates) < 3:
            return Oddities()
        shares = [
            number
            for number, one in enumerate(self._universe)
            if one.own_book_id == "EQ_DE" and one.instrument_id not in self._lines.eventful
        ]
        paying = {dividend.instrument_no for dividend in self.dividends}
        quiet = [number for number in shares if number not in paying] or shares
        outlier_day_no = 3 if len(self._dates) > 3 else None
        return Oddities(quiet[0], 2, quiet[-1] if outlier_day_no else None, outlier_day_no)


def price_text(thousandths: int) -> str:
    """A price as it is written: exactly three decimals."""
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"
