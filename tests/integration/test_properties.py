"""What holds of any stream of trades, closed as three business dates: hypothesis draws the streams and makes a failing one small.

A firm of several streams is drawn at once, each with books of its own that tell it in other words: in order; shuffled and repeated, on
other dates; with every trade in two; without what is cancelled in the end; and closed out by FIFO and by average. A stream trades
instruments of its own: a share in base currency that splits on the second day, one in a foreign currency that pays a dividend then, and
a bond with accrued interest. Their prices of each day are drawn with it, and whether split and dividend are told a day late; the rate
of each day is the firm's. A firm costs little more than its three closes, so every stream is a draw of everything but the rates.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
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
SHARE, FOREIGN, BOND = "I", "E", "D"


def instruments_of(number: int) -> list[dict[str, object]]:
    return [
        {"instrument_id": f"{SHARE}{number}"}, {"instrument_id": f"{FOREIGN}{number}", "currency_code": "EUR"},
        {"instrument_id": f"{BOND}{number}", "product_line": "bond_fixed", "coupon_rate": "6", "coupon_frequency": 1, "day_count": "30/360",
         "issue_date": "2024-07-07", "maturity_date": "2030-07-07"},
    ]  # fmt: skip


def events_of(number: int) -> list[dict[str, object]]:
    return [
        {"event_id": f"SPLIT{number}", "instrument_id": f"{SHARE}{number}", "event_type": "SPLIT", "event_status": "ANNOUNCED",
         "ex_date": DAYS[1], "pay_date": DAYS[1], "currency_code": "USD", "new_units": 3, "old_units": 1},
        {"event_id": f"DIVIDEND{number}", "instrument_id": f"{FOREIGN}{number}", "event_type": "CASH_DIVIDEND",
         "event_status": "ANNOUNCED", "ex_date": DAYS[1], "pay_date": DAYS[2], "currency_code": "EUR", "amount_per_unit": "0.25"},
    ]  # fmt: skip


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
    instrument: str
    versions: tuple[Version, ...]
    cancelled_on: int | None


@dataclass(frozen=True)
class Stream:
    """The deals of one book, by which key their messages are shuffled and repeated, and the market they are done in: prices in cents of
    share, foreign share and bond on each day, and the day on which split and dividend are told, 1 or 2."""

    deals: tuple[Deal, ...]
    order: tuple[int, ...]
    repeated: tuple[bool, ...]
    delays: tuple[int, ...]
    prices: tuple[tuple[int, int, int], ...]
    events_told_on: int


@st.composite
def deals(draw: st.DrawFn) -> Deal:
    traded_on = draw(st.integers(0, 2))
    told, versions = traded_on, []
    for _ in range(draw(st.integers(1, 3))):
        told = draw(st.integers(told, 2))
        # even, so that a half of it at any price is whole cents
        quantity = 2 * draw(st.integers(-9, 9).filter(bool))
        versions.append(Version(quantity, draw(st.integers(1, 9999)), draw(st.integers(0, 500)), told))
    return Deal(traded_on, draw(st.sampled_from((SHARE, FOREIGN, BOND))), tuple(versions), draw(st.none() | st.integers(told, 2)))


@st.composite
def streams(draw: st.DrawFn) -> Stream:
    drawn = tuple(draw(st.lists(deals(), min_size=1, max_size=5)))
    messages = sum(len(one.versions) + (one.cancelled_on is not None) for one in drawn)
    return Stream(
        drawn,
        tuple(draw(st.permutations(range(messages)))),
        tuple(draw(st.lists(st.booleans(), min_size=messages, max_size=messages))),
        tuple(draw(st.lists(st.integers(0, 2), min_size=messages, max_size=messages))),
        tuple(draw(st.lists(st.tuples(*(st.integers(1, 9999),) * 3), min_size=3, max_size=3))),
        draw(st.integers(1, 2)),
    )


def messages_of(stream: Stream, book: str, parts: int = 1) -> list[tuple[int, dict[str, object]]]:
    """Rows of trades files with the day they are told on; in `parts` each trade is that many equal ones."""
    told: list[tuple[int, dict[str, object]]] = []
    for place, deal in enumerate(stream.deals):
        for part in range(parts):
            common = {
                "trade_id": f"{book}-{place}-{part}", "book_id": book, "account_id": book,
                "executed_at": f"{DAYS[deal.traded_on]}T15:{place:02}:{part:02}Z", "instrument_id": deal.instrument + book[1:],
                "currency_code": "EUR" if deal.instrument == FOREIGN else "USD",
            }  # fmt: skip
            for version, one in enumerate(deal.versions, start=1):
                event = "NEW" if version == 1 else "AMEND"
                # of two parts, one has the odd cent of the fee
                fee = Decimal(one.fee_cents // parts + (one.fee_cents % parts if part == 0 else 0)) / 100
                # of a bond nominal, in hundreds
                size = Decimal(one.quantity) / parts * (100 if deal.instrument == BOND else 1)
                price = Decimal(one.price_cents) / 100
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
    kept = replace(stream, deals=tuple(one for one in stream.deals if one.cancelled_on is None))
    closed = {}
    for kind in (FIFO, AVERAGE):
        book = names[kind]
        closed[book] = messages_of(kept, book)
        for instrument in (SHARE, FOREIGN, BOND):
            if left := left_of(kept, instrument):
                last = trade(
                    f"{book}-out-{instrument}", DAYS[2], -left, "7.77", book_id=book, account_id=book,
                    instrument_id=f"{instrument}{number}", currency_code="EUR" if instrument == FOREIGN else "USD",
                )  # fmt: skip
                closed[book].append((2, last | {"executed_at": f"{DAYS[2]}T20:00:00Z"}))
    return {
        names[ORDERED]: messages_of(stream, names[ORDERED]), names[SHUFFLED]: shuffled,
        names[HALVED]: messages_of(stream, names[HALVED], 2), names[WITHOUT]: messages_of(kept, names[WITHOUT]), **closed,
    }  # fmt: skip


def left_of(stream: Stream, instrument: str) -> int:
    """Units on the last date; the share of before the split counts for three."""
    return sum(
        one.versions[-1].quantity * (3 if instrument == SHARE and one.traded_on == 0 else 100 if instrument == BOND else 1)
        for one in stream.deals
        if one.instrument == instrument
    )


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.lists(streams(), min_size=3, max_size=8),
    st.lists(st.integers(5000, 20000), min_size=3, max_size=3),
)
def test_books_of_any_stream(database_server: str, tmp_path_factory: pytest.TempPathFactory, drawn: list[Stream], rates: list[int]) -> None:
    books = {}
    for number, stream in enumerate(drawn):
        books |= books_of(number, stream)
    told: dict[int, list[dict[str, object]]] = defaultdict(list)
    for messages in books.values():
        for day, row in messages:
            told[day].append(row)
    with new_database(database_server, tmp_path_factory.mktemp("firm")):
        # an account for each book: what is rounded for an account is then the book's own
        instruments = [one for number in range(len(drawn)) for one in instruments_of(number)]
        firm = SmallFirm(books=tuple(books), accounts=tuple(books), instruments=instruments)
        methods = [
            {"account_id": book, "valid_from": DAYS[0], "lot_method": "AVERAGE" if book.startswith(AVERAGE) else "FIFO"} for book in books
        ]
        for place, day in enumerate(DAYS):
            prices = {
                f"{name}{number}": Decimal(cents) / 100
                for number, stream in enumerate(drawn)
                for name, cents in zip((SHARE, FOREIGN, BOND), stream.prices[place], strict=True)
            }
            events = [one for number, stream in enumerate(drawn) if stream.events_told_on == place for one in events_of(number)]
            files = ({"lot_methods": methods} if place == 0 else {}) | ({"corporate_actions": events} if events else {})
            firm.day(day, told[place], prices, {"EUR": Decimal(rates[place]) / 10000}, **files)
        for number, stream in enumerate(drawn):
            assert_alike_however_told(number, stream)
        assert_windows_add_up()
        assert_books_tie()


def assert_alike_however_told(number: int, stream: Stream) -> None:
    figures = {kind: figures_of(f"{kind}{number}") for kind in (ORDERED, SHUFFLED, HALVED, WITHOUT, FIFO, AVERAGE)}
    assert figures[SHUFFLED] == figures[ORDERED]
    assert figures[WITHOUT] == figures[ORDERED]
    # of halves the accrued interest and the amounts in base currency are rounded apart
    assert figures[HALVED].positions == figures[ORDERED].positions
    assert figures[HALVED].in_local_currency() == figures[ORDERED].in_local_currency()
    # once flat, the method tells only which day a result was on
    assert figures[FIFO].results == figures[AVERAGE].results
    assert figures[FIFO].realised == figures[AVERAGE].realised
    for kind in (FIFO, AVERAGE):
        assert figures[kind].positions == figures[kind].lots == []
    # and the history keeps every message: what was cancelled stands there with all its versions
    for place, deal in enumerate(stream.deals):
        name = f"CSV~{ORDERED}{number}-{place}-0"
        versions = len(deal.versions) + (deal.cancelled_on is not None)
        assert value("select count(*) from books.trade_versions where trade_id = :name", name=name) == versions
        status = "select trade_status from marts.fct_trades where trade_id = :name order by business_date desc limit 1"
        assert value(status, name=name) == ("ACTIVE" if deal.cancelled_on is None else "CANCELLED")


@dataclass(frozen=True)
class Figures:
    """Of a book: positions and lots on the last date, results and their components to date by instrument and claim, what was realised."""

    positions: list[tuple[Any, ...]]
    lots: list[tuple[Any, ...]]
    results: list[tuple[Any, ...]]
    realised: list[tuple[Any, ...]]

    def in_local_currency(self) -> list[tuple[Any, ...]]:
        """Result, fees and income of what bears no interest."""
        return [result[:4] for result in self.results if result[0][0] in (SHARE, FOREIGN) and any(result[1:4])]


def figures_of(book: str) -> Figures:
    """What a book comes to, without what is empty. Which component a claim in a foreign currency gained by depends on when it was told."""
    return Figures(
        rows(
            "select instrument_id, traded_quantity, market_value_amount, market_value_amount_base, accrued_interest_amount"
            " from marts.fct_positions where business_date = :day and book_id = :book and traded_quantity <> 0 order by 1",
            book=book, **LAST,
        ),
        rows(
            "select instrument_id, opened_date, open_quantity, cost_amount, cost_amount_base from marts.fct_lots"
            " where business_date = :day and book_id = :book order by 1, 2, 3, 4, 5",
            book=book, **LAST,
        ),
        rows(
            "select instrument_id, sum(total_amount), sum(fees_amount), sum(income_amount), sum(total_amount_base), sum(fees_amount_base),"
            " sum(income_amount_base), sum(accrual_amount) from marts.fct_profit_and_loss where book_id = :book group by 1"
            " having sum(total_amount) <> 0 or sum(total_amount_base) <> 0 or sum(fees_amount) <> 0 or sum(income_amount) <> 0 order by 1",
            book=book,
        ),
        rows(
            "select instrument_id, sum(realised_amount), sum(realised_amount_base) from marts.fct_realised_results where book_id = :book"
            " group by 1 having sum(realised_amount) <> 0 or sum(realised_amount_base) <> 0 order by 1",
            book=book,
        ),
    )  # fmt: skip


def assert_windows_add_up() -> None:
    """Over any window, the result is the value at its end less that at its start, less what was paid in net of what was earned."""
    results, paid, worth = (
        {((book, instrument), day): amount for book, instrument, day, amount in rows(statement)}
        for statement in (
            "select book_id, instrument_id, business_date, sum(total_amount) from marts.fct_profit_and_loss"
            " where instrument_id not like 'CASH:%' group by 1, 2, 3",
            "select book_id, instrument_id, business_date, -sum(net_amount) from ("
            "select book_id, instrument_id, business_date, net_amount from intermediate.int_trades__movements"
            " union all select book_id, instrument_id, business_date, net_amount from marts.fct_income) as cash group by 1, 2, 3",
            "select book_id, instrument_id, business_date, sum(market_value_amount + accrued_interest_amount) from marts.fct_positions"
            " group by 1, 2, 3",
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
