"""Trades that are not left to chance: blocks that are allocated to clients, some of them late or anew, and what is bought on the first
date for what is going to happen to it."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import numpy.typing as npt

from posttrade.simulator.calendars import MarketCalendar
from posttrade.simulator.files import write_csv
from posttrade.simulator.market import price_text
from posttrade.simulator.own_books import OwnBooks
from posttrade.simulator.reference import BLOCK_ACCOUNT, BOOKS, BROKERS, TRADERS, Holding, Instrument
from posttrade.simulator.trade_files import TradeEvent, trade_id

_FIRST_NUMBER = 9_500_000
_BLOCKS_A_DAY = 2
_BOOK, _TRADER = "CL_EQUITY", "T07"
_LATE_EVERY = 4
"""On every fourth day, the last, the allocations of one block come on the next."""
_COLLATERAL_NOMINAL = 2_500_000
_BOUGHT = {"equity": 400, "option": 5}
_BOUGHT_NOMINAL = 100_000


@dataclass(frozen=True)
class Division:
    """How a block is divided: numbers of holdings and what each gets."""

    trade_day_no: int
    block_trade_id: str
    version: int
    shares: tuple[tuple[int, int], ...]


class LargeTrades:
    """Writes large trades and their allocations.

    Args:
        universe: the instruments.
        holdings: what can be held.
        calendars: one for each market of the universe.
        dates: business dates of the firm.
        books: the simulator's own record, which learns of an allocation when it is delivered.
        collateral: the bond that will be given as collateral.
        eventful: instruments that soon turn into others or are repaid.
        seed: makes the days repeatable.
    """

    def __init__(
        self,
        universe: Sequence[Instrument],
        holdings: Sequence[Holding],
        calendars: dict[str, MarketCalendar],
        dates: Sequence[date],
        books: OwnBooks,
        collateral: str,
        eventful: Container[str],
        seed: int,
    ) -> None:
        self._universe = universe
        self._holdings = holdings
        self._calendars = calendars
        self._dates = dates
        self._books = books
        self._collateral = collateral
        self._eventful = eventful
        self._seed = seed
        self._allotted: dict[tuple[str, int], int] = {}
        self._tomorrow: list[Division] = []
        self._number = 0

    def trade_day(self, folder: Path, day_no: int, closes: npt.NDArray[np.int64]) -> Iterator[TradeEvent]:
        """The large trades of a business date; writes the allocations that come with them.

        Args:
            folder: inbox folder of the business date.
            day_no: place of the business date.
            closes: closing prices by instrument, in thousandths.
        """
        told, self._tomorrow = self._tomorrow, []
        if day_no == 0:
            yield from self._first_purchases(closes)
        random = np.random.default_rng([self._seed, 22, day_no])
        for place in range(_BLOCKS_A_DAY):
            choice = self._choices(day_no)
            if not choice:
                break
            number = choice[int(random.integers(0, len(choice)))]
            event, division = self._block(number, int(random.integers(5, 40)) * 100, day_no, closes)
            yield event
            is_last_day = day_no == len(self._dates) - 1
            if place == 1 and day_no % _LATE_EVERY == _LATE_EVERY - 1 and not is_last_day:
                self._tomorrow.append(division)
                continue
            told.append(division)
            if place == 0 and day_no % _LATE_EVERY == 1:
                self._tomorrow.append(_divided_anew(division))
        for division in told:
            self._book(division)
        if told:
            write_csv(folder, "allocations", [row for division in told for row in self._rows(division)])

    def _choices(self, day_no: int) -> list[int]:
        """Shares that several clients may hold and that trade on the day."""
        day = self._dates[day_no]
        holders = [holding.instrument_no for holding in self._holdings if holding.book_id == _BOOK]
        return [
            number
            for number, one in enumerate(self._universe)
            if one.product_line == "equity"
            and holders.count(number) > 1
            and one.traded_from == date.min
            and one.traded_until == date.max
            and self._calendars[one.market_mic].is_open(day)
        ]

    def _block(self, number: int, quantity: int, day_no: int, closes: npt.NDArray[np.int64]) -> tuple[TradeEvent, Division]:
        event = self._event(number, _BOOK, BLOCK_ACCOUNT, _TRADER, quantity, "30.00", day_no, closes)
        holders = [place for place, one in enumerate(self._holdings) if one.book_id == _BOOK and one.instrument_no == number]
        rest = quantity // 2 // (len(holders) - 1)
        shares = [quantity - rest * (len(holders) - 1), *[rest] * (len(holders) - 1)]
        return event, Division(day_no, f"CSV~{event.trade_id}", 1, tuple(zip(holders, shares, strict=True)))

    def _first_purchases(self, closes: npt.NDArray[np.int64]) -> Iterator[TradeEvent]:
        """So that the events of the first days find a position, and the repo its collateral."""
        day = self._dates[0]
        for number, one in enumerate(self._universe):
            is_concerned = one.instrument_id in self._eventful and not one.is_future
            is_traded = one.traded_from <= day <= one.traded_until and self._calendars[one.market_mic].is_open(day)
            if one.instrument_id == self._collateral:
                quantity = _COLLATERAL_NOMINAL
            elif is_concerned and is_traded:
                quantity = _BOUGHT.get(one.product_line, _BOUGHT_NOMINAL)
            else:
                continue
            desk = next(desk for book, _, desk in BOOKS if book == one.own_book_id)
            trader = next(name for name, _, traders_desk in TRADERS if traders_desk == desk)
            holding = next(
                place for place, held in enumerate(self._holdings) if held.instrument_no == number and held.book_id == one.own_book_id
            )
            self._books.book(holding, 0, quantity)
            yield self._event(number, one.own_book_id, one.own_account_id, trader, quantity, "12.00", 0, closes)

    def _event(
        self,
        number: int,
        book_id: str,
        account_id: str,
        trader_id: str,
        quantity: int,
        fee: str,
        day_no: int,
        closes: npt.NDArray[np.int64],
    ) -> TradeEvent:
        one, day = self._universe[number], self._dates[day_no]
        self._number += 1
        return TradeEvent(
            trade_id=trade_id(0, day, _FIRST_NUMBER + self._number),
            version=1,
            event_type="NEW",
            trade_date=str(day),
            executed_at=f"{day}T15:{self._number % 60:02d}:00.000+00:00",
            settlement_date="",
            book_id=book_id,
            account_id=account_id,
            trader_id=trader_id,
            counterparty_id=BROKERS[self._number % len(BROKERS)][0],
            instrument_id=one.instrument_id,
            side="BUY",
            quantity=str(quantity),
            price=price_text(int(closes[number])),
            currency_code=one.currency_code,
            fee=fee,
        )

    def _book(self, division: Division) -> None:
        for place, quantity in division.shares:
            self._books.book(place, division.trade_day_no, quantity - self._allotted.get((division.block_trade_id, place), 0))
            self._allotted[division.block_trade_id, place] = quantity

    def _rows(self, division: Division) -> Iterator[tuple[object, ...]]:
        for number, (place, quantity) in enumerate(division.shares, start=1):
            yield division.block_trade_id, division.version, number, self._holdings[place].account_id, quantity


def _divided_anew(division: Division) -> Division:
    """A tenth of what the first account got goes to the second."""
    (first, most), (second, less), *others = division.shares
    moved = most // 10
    return Division(division.trade_day_no, division.block_trade_id, 2, ((first, most - moved), (second, less + moved), *others))
