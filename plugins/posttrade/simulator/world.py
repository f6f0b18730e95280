"""Writes a world: the inbox of a made-up firm for a number of business days."""

import json
import math
import shutil
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

from posttrade.errors import PosttradeError
from posttrade.simulator.blocks import LargeTrades
from posttrade.simulator.calendars import HOME_CALENDAR, MarketCalendar, home_sessions
from posttrade.simulator.deals import ClearingHouse
from posttrade.simulator.files import LineFile, write_csv, write_text
from posttrade.simulator.front_office import FrontOffice, book_values
from posttrade.simulator.market import Market
from posttrade.simulator.own_books import CashFlow, Income, OwnBooks
from posttrade.simulator.plan import plan_lines
from posttrade.simulator.reference import (
    ACCOUNTS,
    BOOKS,
    CURRENCIES,
    Holding,
    Instrument,
    cash_accounts,
    holdings,
    instruments,
    write_reference_data,
)
from posttrade.simulator.trade_files import FRONT_OFFICE_DATABASE
from posttrade.simulator.treasury import Treasury

MARKER = "simulation.json"
ANSWERS = "simulation"
"""Folder beside the days for what the simulator knows for itself: its positions and the custodian's memory."""

_SMALLEST_LOSS_LIMIT = 100_000
_SMALLEST_POSITION_LIMIT = 1_000_000


def write_world(
    directory: Path,
    days: int,
    trades: int,
    seed: int,
    first_date: date = date(2026, 1, 5),
    base_currency: str = "EUR",
) -> list[date]:
    """Writes the inbox of a simulated firm; the same arguments give the same bytes.

    Args:
        directory: the inbox; must be empty, absent, or hold an earlier simulated world, which is replaced.
        days: business days of the firm's home calendar.
        trades: new trades a day; corrections, repeats and bad rows come on top.
        seed: chooses the world.
        first_date: first business date, or the day before it if it is no session.
        base_currency: the firm's base currency: EUR, USD, GBP or CHF.

    Returns:
        The business dates.
    """
    for name, number, smallest in (("days", days, 1), ("trades", trades, 1), ("seed", seed, 0)):
        if number < smallest:
            raise PosttradeError(f"The number of {name} is {number}.", f"Give {smallest} or more.")
    dates = home_sessions(first_date, days)
    lines = plan_lines(instruments(dates, seed), first_date, days)
    universe = lines.instruments
    calendars = {
        mic: MarketCalendar(mic, dates[0], dates[-1] + timedelta(days=45)) for mic in dict.fromkeys(one.market_mic for one in universe)
    }
    market = Market(universe, calendars, dates, base_currency, seed, lines)
    _make_room(directory)
    marker: dict[str, Any] = {
        "is_complete": False,
        "seed": seed,
        "days": days,
        "trades": trades,
        "base_currency": base_currency,
        "home_calendar": HOME_CALENDAR,
        "dates": [day.isoformat() for day in dates],
    }
    _write_marker(directory, marker)
    held = holdings(universe, lines.received)
    books = OwnBooks(held, dates, lines)
    clearing_house = ClearingHouse({one.instrument_id: one for one in universe if one.contract_size > 1})
    front_office = FrontOffice(universe, held, calendars, dates, books, clearing_house, trades, seed)
    treasury = Treasury(universe, dates, market.rate, seed)
    large_trades = LargeTrades(
        universe, held, calendars, dates, books, treasury.bought_to_give, lines.eventful_until(dates[0] + timedelta(days=14)), seed
    )
    write_reference_data(directory / dates[0].isoformat(), universe, treasury.instrument_rows(), base_currency)
    limits = _Limits()
    counts = {}
    flows: list[CashFlow] = []
    for day_no, day in enumerate(dates):
        folder = directory / day.isoformat()
        market.advance(day_no)
        market.write(folder, day_no)
        treasury.write_market(folder, day_no)
        others = chain(treasury.trade_day(day_no), large_trades.trade_day(folder, day_no, market.closes))
        counts[day.isoformat()] = asdict(front_office.trade_day(folder, day_no, market.closes, others))
        books.take_stock(day_no)
        flows += chain(books.event_cash(day_no), treasury.cash(day_no))
        if day_no + 1 < len(dates):
            flows += clearing_house.margin(market.prices_of(lines.futures), dates[day_no + 1])
        rates = {currency: float(market.rate(currency)) for currency in CURRENCIES}
        limits.see(book_values(held, universe, books.positions, market.closes, rates))
        limits.see(treasury.values(day_no))
        _write_positions(directory / ANSWERS / f"positions_{day}.csv", held, universe, books, treasury.positions(day_no))
    write_csv(
        directory / dates[0].isoformat(),
        "books",
        [(book, name, desk, limits.loss(book), limits.position(book)) for book, name, desk in BOOKS],
    )
    income = sorted(books.income(universe, market.dividends, calendars), key=lambda one: (one.pay_date, one.event_id))
    marker.update(
        is_complete=True,
        counts=counts,
        accounts={account.account_id: account.custodian_id for account in ACCOUNTS},
        cash_accounts={account: currency for account, _, currency, _ in cash_accounts()},
        planted=_planted(market, universe, dates),
        income=[_as_texts(one) for one in income],
        flows=[_as_texts(one) for one in flows],
        collateral=[asdict(one) for one in treasury.collateral],
        events=[one.record() for one in lines.events],
        premiums=[list(asdict(one).values()) for one in clearing_house.premiums],
        sold_short=[one.instrument_id for one in universe if one.is_sold_short],
    )
    _write_marker(directory, marker)
    return dates


class _Limits:
    """Limits that the firm keeps: well above what it comes to hold."""

    def __init__(self) -> None:
        self._largest_position: dict[str, float] = defaultdict(float)
        self._largest_book: dict[str, float] = defaultdict(float)

    def see(self, values: Any) -> None:
        """Takes in the market values of a business date."""
        gross: dict[str, float] = defaultdict(float)
        for book, value in values:
            gross[book] += abs(value)
            self._largest_position[book] = max(self._largest_position[book], abs(value))
        for book, value in gross.items():
            self._largest_book[book] = max(self._largest_book[book], value)

    def loss(self, book: str) -> int:
        """The day's loss that is too much: a twentieth of the largest book."""
        return max(_SMALLEST_LOSS_LIMIT, math.ceil(self._largest_book[book] * 0.05 / 50_000) * 50_000)

    def position(self, book: str) -> int:
        """The largest value of one instrument over all accounts of the book."""
        # A client book holds one instrument in up to five accounts.
        factor = 6.0 if book.startswith("CL_") else 1.5
        return max(_SMALLEST_POSITION_LIMIT, math.ceil(self._largest_position[book] * factor / 500_000) * 500_000)


def _make_room(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        raise PosttradeError(f"{directory} is a file, not a folder.", "Name a folder for the simulated inbox.")
    if not directory.exists() or not any(directory.iterdir()):
        directory.mkdir(parents=True, exist_ok=True)
        return
    marker = directory / MARKER
    if not marker.exists():
        raise PosttradeError(
            f"{directory} holds files that no simulation wrote.",
            "Name an empty folder, so that nothing of yours is replaced.",
        )
    for day in _read_json(marker).get("dates", []):
        shutil.rmtree(directory / date.fromisoformat(day).isoformat(), ignore_errors=True)
    shutil.rmtree(directory / ANSWERS, ignore_errors=True)
    (directory / FRONT_OFFICE_DATABASE).unlink(missing_ok=True)


def read_marker(inbox: Path) -> dict[str, Any]:
    """What `simulation.json` says about a simulated inbox.

    Raises:
        PosttradeError: if the inbox is not simulated, or was not written to its end.
    """
    path = inbox / MARKER
    if not path.exists():
        raise PosttradeError(f"{inbox} is not a simulated inbox: {path} is missing.", "Write one with `posttrade simulate`.")
    marker = _read_json(path)
    if not marker.get("is_complete"):
        raise PosttradeError(f"The simulated inbox {inbox} was not written to its end.", "Write it again.")
    return marker


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, UnicodeDecodeError) as problem:
        raise PosttradeError(f"{path} is not valid JSON: {problem}.", "Write the simulated inbox again.") from problem
    if not isinstance(content, dict):
        raise PosttradeError(f"{path} does not hold a JSON object.", "Write the simulated inbox again.")
    return content


def _write_marker(directory: Path, marker: dict[str, Any]) -> None:
    write_text(directory / MARKER, json.dumps(marker, indent=1))


def _write_positions(
    path: Path, held: Sequence[Holding], universe: Sequence[Instrument], books: OwnBooks, further: Iterable[tuple[str, str, str, int]]
) -> None:
    output = LineFile(path)
    output.write("book_id,account_id,instrument_id,traded_quantity")
    for holding, quantity in zip(held, books.positions.tolist(), strict=True):
        if quantity:
            instrument_id = universe[holding.instrument_no].instrument_id
            output.write(f"{holding.book_id},{holding.account_id},{instrument_id},{quantity}")
    for book_id, account_id, instrument_id, quantity in further:
        output.write(f"{book_id},{account_id},{instrument_id},{quantity}")
    output.close()


def _planted(market: Market, universe: Sequence[Instrument], dates: Sequence[date]) -> dict[str, Any]:
    oddities = market.oddities
    planted: dict[str, Any] = {}
    if oddities.unpriced_instrument_no is not None and oddities.unpriced_day_no is not None:
        planted["price_missing"] = {
            "instrument_id": universe[oddities.unpriced_instrument_no].instrument_id,
            "business_date": dates[oddities.unpriced_day_no].isoformat(),
        }
    if oddities.outlier_instrument_no is not None and oddities.outlier_day_no is not None:
        planted["price_jump"] = {
            "instrument_id": universe[oddities.outlier_instrument_no].instrument_id,
            "business_date": dates[oddities.outlier_day_no].isoformat(),
        }
    if len(dates) > 3:
        planted["custodian_break"] = {
            "account_id": "OWN_EQ_US",
            "business_date": dates[3].isoformat(),
            "quantity": 10,
        }
    return planted


def _as_texts(one: Income | CashFlow) -> dict[str, Any]:
    return {key: str(value) if not isinstance(value, int) else value for key, value in asdict(one).items()}
