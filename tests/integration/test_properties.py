"""What holds of any stream of trades, closed as three business dates: hypothesis draws the streams and makes a failing one small.

A firm is drawn at once, each stream with books of its own that tell it in other words: in order; shuffled and repeated, on other
dates; with every trade in two; without what is cancelled in the end; and closed out by FIFO and by average.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from environment_of_tests import new_database
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value

pytestmark = pytest.mark.slow
DAYS = (date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7))
ORDERED, SHUFFLED, HALVED, WITHOUT, FIFO, AVERAGE = "O", "S", "H", "W", "F", "V"
LAST = {"day": DAYS[-1]}


@dataclass(frozen=True)
class Version:
    """What a version says of a trade: signed quantity, price and fee in cents, and the day it is told on, 0 to 2."""

    quantity: int
    price_cents: int
    fee_cents: int
    told_on: int


@dataclass(frozen=True)
class Deal:
    """A trade with its versions; those after the first amend it, and it may be cancelled."""

    traded_on: int
    versions: tuple[Version, ...]
    cancelled_on: int | None


@dataclass(frozen=True)
class Stream:
    """The deals of one book, and by which key their messages are shuffled and repeated."""

    deals: tuple[Deal, ...]
    order: tuple[int, ...]
    repeated: tuple[bool, ...]
    delays: tuple[int, ...]


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    traded_on = draw(st.integers(0, 2))
    told, versions = traded_on, []
    for _ in range(draw(st.integers(1, 3))):
        told = draw(st.integers(told, 2))
        # even, so that a half of it at any price is whole cents
        quantity = 2 * draw(st.integers(-9, 9).filter(bool))
        versions.append(Version(quantity, draw(st.integers(1, 9999)), draw(st.integers(0, 500)), told))
    return Deal(traded_on, tuple(versions), draw(st.none() | st.integers(told, 2)))


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    drawn = tuple(draw(st.lists(deals(), min_size=1, max_size=5)))
    messages = sum(len(one.versions) + (one.cancelled_on is not None) for one in drawn)
    return Stream(
        drawn,
        tuple(draw(st.permutations(range(messages)))),
        tuple(draw(st.lists(st.booleans(), min_size=messages, max_size=messages))),
        tuple(draw(st.lists(st.integers(0, 2), min_size=messages, max_size=messages))),
    )


def messages_of(stream: Stream, book: str, parts: int = 1) -> list[tuple[int, dict[str, object]]]:
    """Rows of trades files with the day they are told on; in `parts` each trade is that many equal ones."""
    told: list[tuple[int, dict[str, object]]] = []
    for place, deal in enumerate(stream.deals):
        for part in range(parts):
            common = {
                "trade_id": f"{book}-{place}-{part}", "book_id": book, "executed_at": f"{DAYS[deal.traded_on]}T15:{place:02}:{part:02}Z",
            }  # fmt: skip
            for version, one in enumerate(deal.versions, start=1):
                event = "NEW" if version == 1 else "AMEND"
                # of two parts, one has the odd cent of the fee
                fee = Decimal(one.fee_cents // parts + (one.fee_cents % parts if part == 0 else 0)) / 100
                size, price = Decimal(one.quantity) / parts, Decimal(one.price_cents) / 100
                row = trade("", DAYS[deal.traded_on], size, price, version=version, event_type=event, fee_amount=fee) | common
                told.append((one.told_on, row))
            if deal.cancelled_on is not None:
                told.append((deal.cancelled_on, row | {"version": len(deal.versions) + 1, "event_type": "CANCEL"}))
    return told


def books_of(number: int, stream: Stream) -> dict[str, list[tuple[int, dict[str, object]]]]:
    """By book, its messages with the day each is told on."""
    names = {kind: f"{kind}{number}" for kind in (ORDERED, SHUFFLED, HALVED, WITHOUT, FIFO, AVERAGE)}
    in_order = messages_of(stream, names[SHUFFLED])
    shuffled = []
    for place in stream.order:
        told_on, row = in_order[place]
        told_on = max(DAYS.index(row["trade_date"]), min(2, told_on + stream.delays[place] - 1))
        shuffled += [(told_on, row)] * (2 if stream.repeated[place] else 1)
        if stream.repeated[place]:
            shuffled.append((2, row))
    kept = Stream(tuple(one for one in stream.deals if one.cancelled_on is None), (), (), ())
    closed = {}
    left = sum(one.versions[-1].quantity for one in kept.deals)
    for kind, account in ((FIFO, "F"), (AVERAGE, "V")):
        closed[names[kind]] = [(day, row | {"account_id": account}) for day, row in messages_of(kept, names[kind])]
        if left:
            last = trade(f"{names[kind]}-out", DAYS[2], -left, "7.77", book_id=names[kind], account_id=account)
            closed[names[kind]].append((2, last | {"executed_at": f"{DAYS[2]}T20:00:00Z"}))
    return {
        names[ORDERED]: messages_of(stream, names[ORDERED]), names[SHUFFLED]: shuffled,
        names[HALVED]: messages_of(stream, names[HALVED], 2), names[WITHOUT]: messages_of(kept, names[WITHOUT]), **closed,
    }  # fmt: skip


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(streams(), min_size=1, max_size=8), st.lists(st.integers(1, 9999), min_size=3, max_size=3))
def test_books_of_any_stream(database_server: str, tmp_path_factory: pytest.TempPathFactory, drawn: list[Stream], cents: list[int]) -> None:
    books = {}
    for number, stream in enumerate(drawn):
        books |= books_of(number, stream)
    told: dict[int, list[dict[str, object]]] = defaultdict(list)
    for messages in books.values():
        for day, row in messages:
            told[day].append(row)
    with new_database(database_server, tmp_path_factory.mktemp("firm")):
        firm = SmallFirm(books=tuple(books), accounts=("A", "F", "V"))
        methods = [
            {"account_id": account, "valid_from": DAYS[0], "lot_method": method} for account, method in (("F", "FIFO"), ("V", "AVERAGE"))
        ]
        for place, day in enumerate(DAYS):
            firm.day(day, told[place], {"I": Decimal(cents[place]) / 100}, **({"lot_methods": methods} if place == 0 else {}))
        for number, stream in enumerate(drawn):
            assert_alike_however_told(number, stream)
        assert_windows_add_up()
        assert_books_tie()


def assert_alike_however_told(number: int, stream: Stream) -> None:
    figures = {kind: figures_of(f"{kind}{number}") for kind in (ORDERED, SHUFFLED, HALVED, WITHOUT, FIFO, AVERAGE)}
    assert figures[SHUFFLED] == figures[ORDERED]
    assert figures[HALVED] == figures[ORDERED]
    assert figures[WITHOUT] == figures[ORDERED]
    # once flat, the method tells only which day a result was on
    assert figures[FIFO] == figures[AVERAGE]
    assert figures[FIFO][0] == 0
    # and the history keeps every message: what was cancelled stands there with all its versions
    for place, deal in enumerate(stream.deals):
        name = f"CSV~{ORDERED}{number}-{place}-0"
        versions = len(deal.versions) + (deal.cancelled_on is not None)
        assert value("select count(*) from books.trade_versions where trade_id = :name", name=name) == versions
        status = "select trade_status from marts.fct_trades where trade_id = :name order by business_date desc limit 1"
        assert value(status, name=name) == ("ACTIVE" if deal.cancelled_on is None else "CANCELLED")


def figures_of(book: str) -> tuple[Any, ...]:
    """Quantity and value on the last date, and the result to date."""
    position = rows("select traded_quantity, market_value_amount from marts.fct_positions where business_date = :day and book_id = :book",
                    book=book, **LAST)  # fmt: skip
    result = value(
        "select coalesce(sum(total_amount), 0) from marts.fct_profit_and_loss where book_id = :book and instrument_id = 'I'", book=book
    )
    return (*(position[0] if position else (Decimal(0), Decimal(0))), result)


def assert_windows_add_up() -> None:
    """Over any window, the result is the value at its end less that at its start, less what was paid in."""
    results, paid, worth = (
        {(book, day): amount for book, day, amount in rows(statement)}
        for statement in (
            "select book_id, business_date, sum(total_amount) from marts.fct_profit_and_loss where instrument_id = 'I' group by 1, 2",
            "select book_id, business_date, -sum(net_amount) from intermediate.int_trades__movements group by 1, 2",
            "select book_id, business_date, sum(market_value_amount) from marts.fct_positions group by 1, 2",
        )
    )
    dates = (None, *DAYS)
    for book in {book for book, _ in results}:
        for first, (start, _) in enumerate(pairwise(dates)):
            for last in range(first, len(DAYS)):
                window = DAYS[first : last + 1]
                gained = sum(results.get((book, day), Decimal(0)) for day in window)
                paid_in = sum(paid.get((book, day), Decimal(0)) for day in window)
                at_start, at_end = worth.get((book, start), Decimal(0)), worth.get((book, DAYS[last]), Decimal(0))
                assert gained == at_end - at_start - paid_in, (book, window)
