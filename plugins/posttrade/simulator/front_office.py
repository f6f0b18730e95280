"""A day of trading: new trades near the close, corrections, late and repeated deliveries, and rows that are wrong."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from posttrade.simulator.calendars import US_MARKETS, MarketCalendar
from posttrade.simulator.deals import ClearingHouse
from posttrade.simulator.market import price_text
from posttrade.simulator.own_books import OwnBooks
from posttrade.simulator.reference import BOOKS, BROKERS, TRADERS, Holding, Instrument
from posttrade.simulator.trade_files import Sources, TradeEvent, open_sources, trade_id

Integers = npt.NDArray[np.int64]

_SOURCE_SHARES = (0.6, 0.2, 0.2)
_CSV, _FIX, _TABLE = range(3)
_SHARES = {  # of the day's new trades
    "amend": 0.022, "cancel": 0.008, "amend_next_day": 0.006, "cancel_next_day": 0.002,
    "amend_twice": 0.001, "late": 0.002, "amend_first": 0.001,
}  # fmt: skip
_NEXT_DAY = ("amend_next_day", "cancel_next_day", "amend_twice", "late", "amend_first")
_BAD_SHARE = 0.002
_OWN_WEIGHT = 3.0
_OTHER_LINES_SHARE = 0.14
"""Share of the day's trades that are neither in shares nor in fixed-rate bonds."""
_SIZES = {  # smallest and largest quantity, and the step between
    "equity": (5, 400, 1), "etf": (20, 600, 1), "fund": (10, 300, 1), "future": (1, 6, 1), "option": (1, 15, 1),
}  # fmt: skip
_BOND_SIZE = (10, 200, 1_000)
_SPREADS = {"equity": 0.002, "etf": 0.001, "fund": 0.0, "future": 0.0004, "option": 0.01}
"""How far a day's prices lie from its close, as a fraction; bonds 0.0004."""
_CENTS_A_CONTRACT = {"future": 110, "option": 150}
_LARGEST_SALE = 0.5
"""Share of a holding that may be sold in a day; the rest covers what the custodian has not received yet."""
_SPOILS: tuple[tuple[int, dict[str, str]], ...] = (
    (_CSV, {"instrument_id": "NOSUCH.XNYS"}),
    (_CSV, {"quantity": "12x00"}),
    (_FIX, {"instrument_id": "NOSUCH.XLON"}),
    (_TABLE, {"quantity": "two hundred"}),
    (_CSV, {"trade_date": "2026-02-30"}),
    (_CSV, {"price": ""}),
    (_FIX, {"price": "n/a"}),
    (_TABLE, {"book_id": "EQ_MARS"}),
    (_CSV, {"side": "HOLD"}),
    (_CSV, {"account_id": "NOBODY"}),
)


@dataclass(frozen=True)
class Delivery:
    """An event that reaches the back office on the next business date, and what it then changes."""

    source_no: int
    event: TradeEvent
    holding_no: int
    trade_day_no: int
    quantity: int


@dataclass
class DayCounts:
    """What a day's files hold."""

    new: int = 0
    amended: int = 0
    cancelled: int = 0
    bad: int = 0
    delivered_next_day: int = 0


@dataclass
class _Draw:
    """A day's new trades, in the order of execution."""

    holding: Integers
    quantity: Integers
    is_sale: npt.NDArray[np.bool_]
    price: Integers
    fee: Integers
    source: list[int]
    broker: list[int]
    executed_at: list[str]
    groups: dict[str, list[int]] = field(default_factory=dict)

    def signed(self, number: int) -> int:
        quantity = int(self.quantity[number])
        return -quantity if self.is_sale[number] else quantity


class FrontOffice:
    """The traders of the firm.

    Args:
        universe: the instruments.
        holdings: what can be traded.
        calendars: one calendar for each market of the universe.
        dates: business dates of the firm.
        books: the simulator's own record, which learns of every event when it is delivered.
        clearing_house: learns of every event.
        trades: new trades a day.
        seed: makes the days repeatable.
    """

    def __init__(
        self,
        universe: Sequence[Instrument],
        holdings: Sequence[Holding],
        calendars: dict[str, MarketCalendar],
        dates: Sequence[date],
        books: OwnBooks,
        clearing_house: ClearingHouse,
        trades: int,
        seed: int,
    ) -> None:
        self._universe = universe
        self._holdings = holdings
        self._calendars = calendars
        self._dates = dates
        self._books = books
        self._trades = trades
        self._seed = seed
        self._clearing_house = clearing_house
        self._tomorrow: list[Delivery] = []
        self._redelivered: tuple[str, int] | None = None
        self._instrument_of: Integers = np.array([holding.instrument_no for holding in holdings])
        held = [universe[holding.instrument_no] for holding in holdings]
        self._is_bond = np.array([one.is_bond for one in held])
        self._is_core = np.array([one.is_core for one in held])
        self._is_no_contract = np.array([one.contract_size == 1 for one in held])
        self._is_sold_short = np.array([one.is_sold_short for one in held])
        self._contract_sizes = np.array([one.contract_size for one in held])
        self._sizes = np.array([_SIZES.get(one.product_line, _BOND_SIZE) for one in held])
        self._spreads = np.array([_SPREADS.get(one.product_line, 0.0004) for one in held])
        self._cents_a_contract = np.array([_CENTS_A_CONTRACT.get(one.product_line, 0) for one in held])
        self._weights = np.array([_OWN_WEIGHT if holding.account_id.startswith("OWN") else 1.0 for holding in holdings])
        self._markets = [universe[holding.instrument_no].market_mic for holding in holdings]
        self._opens = np.array([14.5 if market in US_MARKETS else 8.0 for market in self._markets])
        desks = {book: desk for book, _, desk in BOOKS}
        self._traders = [[name for name, _, desk in TRADERS if desk == desks[h.book_id]] for h in holdings]

    def trade_day(self, folder: Path, day_no: int, closes: Integers, others: Iterable[TradeEvent] = ()) -> DayCounts:
        """Writes the day's trades to their three sources.

        Args:
            folder: inbox folder of the business date.
            day_no: place of the business date.
            closes: closing prices by instrument, in thousandths.
            others: events of desks that keep a record of their own; they go into the CSV drop.
        """
        files = open_sources(folder, day_no)
        counts = DayCounts()
        self._books.take_stock(day_no)
        self._deliver_what_was_kept_back(files, counts)
        random = np.random.default_rng([self._seed, 4, day_no])
        draw = self._draw(random, day_no, closes)
        make = self._event_maker(draw, day_no)
        self._write_new_trades(files, draw, make, day_no, counts)
        self._write_oddities(files, draw, make, day_no, counts)
        for event in others:
            self._write(files, _CSV, event, counts)
        for file in files:
            file.close()
        return counts

    def _deliver_what_was_kept_back(self, files: Sources, counts: DayCounts) -> None:
        for delivery in self._tomorrow:
            self._write(files, delivery.source_no, delivery.event, counts)
            counts.delivered_next_day += 1
            if delivery.quantity:
                self._books.book(delivery.holding_no, delivery.trade_day_no, delivery.quantity)
        self._tomorrow = []

    def _write(self, files: Sources, source_no: int, event: TradeEvent, counts: DayCounts) -> None:
        files[source_no].write(event)
        _count(counts, event)
        self._clearing_house.see(event)

    def _draw(self, random: np.random.Generator, day_no: int, closes: Integers) -> _Draw:
        day, count = self._dates[day_no], self._trades
        weights = self._weights_of(day)
        holding = random.choice(len(self._holdings), count, p=weights / weights.sum())
        milliseconds = ((self._opens[holding] + random.random(count) * 6.0) * 3_600_000).astype(np.int64)
        order = np.argsort(milliseconds, kind="stable")
        holding, milliseconds = holding[order], milliseconds[order]
        is_bond = self._is_bond[holding]
        smallest, largest, step = self._sizes[holding].T
        quantity = (random.integers(smallest, largest) * step).astype(np.int64)
        is_sale = self._covered_sales(holding, quantity, random.random(count) < 0.5)
        close = closes[self._instrument_of[holding]]
        distance = random.normal(0.0, 1.0, count).clip(-2.5, 2.5) * self._spreads[holding]
        price = np.where(is_bond, close * (1 + distance), np.maximum((close * (1 + distance) / 10).round() * 10, 10)).astype(np.int64)
        gross_cents = quantity * price // np.where(is_bond, 1_000, 10)
        cents_a_contract = self._cents_a_contract[holding]
        share_of_gross = np.maximum(100, gross_cents * np.where(is_bond, 1, 3) // 10_000)
        fee = np.where(cents_a_contract > 0, quantity * cents_a_contract, share_of_gross)
        moments = np.datetime64(day.isoformat(), "ms") + milliseconds.astype("timedelta64[ms]")
        draw = _Draw(
            holding=holding,
            quantity=quantity,
            is_sale=is_sale,
            price=price,
            fee=fee,
            source=random.choice(3, count, p=_SOURCE_SHARES).tolist(),
            broker=random.integers(0, len(BROKERS), count).tolist(),
            executed_at=np.datetime_as_string(moments).tolist(),
        )
        draw.groups = self._groups(random, draw, is_last_day=day_no == len(self._dates) - 1)
        return draw

    def _weights_of(self, day: date) -> npt.NDArray[np.float64]:
        """How likely a trade of the day is in each holding."""
        is_traded = np.array(
            [
                self._calendars[one.market_mic].is_open(day) and one.traded_from <= day <= one.traded_until
                for one in (self._universe[holding.instrument_no] for holding in self._holdings)
            ]
        )
        weights = np.asarray(self._weights * is_traded, dtype=np.float64)
        core, other = weights[self._is_core].sum(), weights[~self._is_core].sum()
        if core and other:
            weights[~self._is_core] *= core / other * _OTHER_LINES_SHARE / (1 - _OTHER_LINES_SHARE)
        return weights

    def _covered_sales(self, holding: Integers, quantity: Integers, wanted: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Turns a sale into a purchase where the holding at the start of the day would not cover it."""
        limit = (np.maximum(self._books.positions, 0) * _LARGEST_SALE).astype(np.int64)
        limit[self._is_sold_short] = np.iinfo(np.int64).max
        order = np.argsort(holding, kind="stable")
        sold = np.where(wanted, quantity, 0)[order]
        running = np.cumsum(sold)
        starts = np.searchsorted(holding[order], np.arange(len(limit)))
        before = np.concatenate(([0], running))[starts]
        covered = np.empty(len(holding), dtype=np.bool_)
        covered[order] = running - before[holding[order]] <= limit[holding[order]]
        return wanted & covered

    def _groups(self, random: np.random.Generator, draw: _Draw, *, is_last_day: bool) -> dict[str, list[int]]:
        """Trades that something happens to; only purchases are taken back, delivered late or made smaller."""
        purchases = iter(random.permutation(np.flatnonzero(~draw.is_sale)).tolist())
        groups: dict[str, list[int]] = {}
        for name, share in _SHARES.items():
            size = 0 if is_last_day and name in _NEXT_DAY else max(round(share * self._trades), self._trades >= 50)
            groups[name] = [number for _, number in zip(range(size), purchases, strict=False)]
        return groups

    def _write_new_trades(self, files: Sources, draw: _Draw, make: Callable[[int], TradeEvent], day_no: int, counts: DayCounts) -> None:
        versions = _Versions(draw, make)
        arriving = np.where(draw.is_sale, -draw.quantity, draw.quantity)
        kept_back = set()

        def keep_back(number: int, event: TradeEvent, quantity: int) -> None:
            self._tomorrow.append(Delivery(draw.source[number], event, int(draw.holding[number]), day_no, quantity))

        def write(number: int, event: TradeEvent) -> None:
            self._write(files, draw.source[number], event, counts)

        for number in draw.groups["amend_first"]:
            write(number, versions.amended(number))
            keep_back(number, versions.new(number), versions.amended_quantity(number))
            kept_back.add(number)
        for number in draw.groups["late"]:
            keep_back(number, versions.new(number), draw.signed(number))
            kept_back.add(number)
        # A few corrections overtake the trade they correct, as they do when a source restarts.
        ahead = set(draw.groups["amend"][::20])
        for number in ahead:
            write(number, versions.amended(number))
        for number in range(self._trades):
            if number not in kept_back:
                write(number, versions.new(number))
        for name in ("amend", "amend_twice"):
            for number in draw.groups[name]:
                if number not in ahead:
                    write(number, versions.amended(number))
                arriving[number] = versions.amended_quantity(number)
        for number in draw.groups["cancel"]:
            write(number, versions.cancelled(number))
            arriving[number] = 0
        for number in draw.groups["amend_next_day"]:
            keep_back(number, versions.amended(number), versions.amended_quantity(number) - draw.signed(number))
        for number in draw.groups["amend_twice"]:
            keep_back(number, versions.amended(number, version=3), 0)
        for number in draw.groups["cancel_next_day"]:
            keep_back(number, versions.cancelled(number), -draw.signed(number))
        arriving[list(kept_back)] = 0
        self._books.book_all(draw.holding, day_no, arriving)

    def _write_oddities(self, files: Sources, draw: _Draw, make: Callable[[int], TradeEvent], day_no: int, counts: DayCounts) -> None:
        csv_drop, _, _ = files
        if self._trades >= 50:
            number = int(np.flatnonzero(~draw.is_sale & self._is_no_contract[draw.holding])[0])
            twin = make(number)._replace(trade_id="", settlement_date="")
            for _ in range(2):
                csv_drop.write(twin)
                _count(counts, twin)
                self._books.book(int(draw.holding[number]), day_no, draw.signed(number))
        if self._redelivered is not None:
            csv_drop.write_row(*self._redelivered)
        self._redelivered = csv_drop.first_row
        for place in range(max(round(_BAD_SHARE * self._trades), self._trades >= 50)):
            source_no, spoil = _SPOILS[(place + day_no) % len(_SPOILS)]
            number = place * 7 % self._trades
            identity = trade_id(source_no, self._dates[day_no], self._trades + place + 1)
            changes: dict[str, Any] = {"trade_id": identity, **spoil}
            files[source_no].write(make(number)._replace(**changes))
            counts.bad += 1

    def _event_maker(self, draw: _Draw, day_no: int) -> Callable[[int], TradeEvent]:
        day = self._dates[day_no]
        trade_date = day.isoformat()
        settlement_dates = {mic: calendar.settlement_date(day).isoformat() for mic, calendar in self._calendars.items()}
        places = [
            (h.book_id, h.account_id, one.instrument_id, one.currency_code, settlement_dates[one.market_mic])
            for h in self._holdings
            for one in (self._universe[h.instrument_no],)
        ]
        holding, quantity, price = draw.holding.tolist(), draw.quantity.tolist(), draw.price.tolist()
        fee, is_sale = draw.fee.tolist(), draw.is_sale.tolist()
        brokers = [name for name, _, _ in BROKERS]

        def make(number: int) -> TradeEvent:
            source_no = draw.source[number]
            held = holding[number]
            book, account, instrument, currency, settlement_date = places[held]
            traders = self._traders[held]
            cents = fee[number]
            return TradeEvent(
                trade_id(source_no, day, number + 1),
                1,
                "NEW",
                trade_date,
                draw.executed_at[number] + "+00:00",
                settlement_date if source_no == _FIX or number % 4 == 0 else "",
                book,
                account,
                traders[number % len(traders)],
                brokers[draw.broker[number]],
                instrument,
                "SELL" if is_sale[number] else "BUY",
                str(quantity[number]),
                price_text(price[number]),
                currency,
                f"{cents // 100}.{cents % 100:02d}",
            )

        return make


class _Versions:
    """The versions of a day's trades: as executed, amended, cancelled."""

    def __init__(self, draw: _Draw, make: Callable[[int], TradeEvent]) -> None:
        self._draw = draw
        self.new = make

    def amended_quantity(self, number: int) -> int:
        """Signed quantity after the amendment: every other amendment changes the price only."""
        quantity = self._draw.signed(number)
        if number % 2 or abs(quantity) < 10:
            return quantity
        return quantity // 10_000 * 5_000 if abs(quantity) >= 10_000 else quantity // 2

    def amended(self, number: int, version: int = 2) -> TradeEvent:
        """The trade with a better price, and for some trades a smaller quantity."""
        price = int(self._draw.price[number]) + (10 if version == 2 else 20)
        return self.new(number)._replace(
            version=version,
            event_type="AMEND",
            quantity=str(abs(self.amended_quantity(number))),
            price=price_text(price),
        )

    def cancelled(self, number: int) -> TradeEvent:
        """The trade taken back."""
        return self.new(number)._replace(version=2, event_type="CANCEL")


def _count(counts: DayCounts, event: TradeEvent) -> None:
    if event.event_type == "NEW":
        counts.new += 1
    elif event.event_type == "AMEND":
        counts.amended += 1
    else:
        counts.cancelled += 1


def book_values(
    holdings: Sequence[Holding],
    universe: Sequence[Instrument],
    positions: Integers,
    closes: Integers,
    rates: dict[str, float],
) -> Iterator[tuple[str, float]]:
    """Market value in base currency of every holding, as an estimate that limits are set by."""
    for number, holding in enumerate(holdings):
        one = universe[holding.instrument_no]
        unit = (100_000.0 if one.is_bond else 1_000.0) / one.contract_size
        value = float(positions[number]) * float(closes[holding.instrument_no]) / unit * rates[one.currency_code]
        yield holding.book_id, value
