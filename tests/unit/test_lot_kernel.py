"""The compiled lot matching agrees with the oracle, and its arithmetic with Python's whole numbers."""

import random
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

import numpy as np
import pytest
from decimal_books import DecimalBook, cents
from hypothesis import given, settings
from hypothesis import strategies as st

from posttrade.domain import lot_kernel

COMPILES_FIRST = settings(deadline=None)
MONDAY = date(2026, 1, 5)
METHODS = {
    "FIFO": lot_kernel.FIFO,
    "LIFO": lot_kernel.LIFO,
    "HIGHEST_COST": lot_kernel.HIGHEST_COST,
    "LOWEST_COST": lot_kernel.LOWEST_COST,
    "AVERAGE": lot_kernel.AVERAGE,
}
AMOUNTS = st.integers(-(2**51), 2**51)
QUANTITIES = st.integers(1, 10**17)


@COMPILES_FIRST
@given(AMOUNTS, QUANTITIES, QUANTITIES)
def test_a_part_is_exact(value: int, one: int, other: int) -> None:
    factor, divisor = sorted((one, other))
    assert lot_kernel.floor_of_product(np.int64(value), np.int64(factor), np.int64(divisor)) == divmod(value * factor, divisor)


@COMPILES_FIRST
@given(AMOUNTS, QUANTITIES, QUANTITIES, st.sampled_from((1, 10, 100, 1000, 10000)))
def test_a_part_is_rounded_half_even(value: int, one: int, other: int, unit: int) -> None:
    taken, whole = sorted((one, other))
    found = lot_kernel.part_of(np.int64(value), np.int64(-taken), np.int64(-whole), np.int64(unit))
    assert found == round(Fraction(value * taken, whole * unit)) * unit


@COMPILES_FIRST
@given(st.integers(-(10**9), 10**9), st.sampled_from((1, 10, 100, 1000, 10000)))
def test_halves_go_to_the_even_unit(value: int, unit: int) -> None:
    """A half of every amount: of odd units it is a tie."""
    expected = (Decimal(value) / 2).quantize(Decimal(1), ROUND_HALF_EVEN) * unit
    assert lot_kernel.part_of(np.int64(value * unit), np.int64(1), np.int64(2), np.int64(unit)) == expected


@COMPILES_FIRST
@given(st.integers(-(2**50), 2**50), st.integers(1, 10**12))
def test_an_amount_at_a_rate(value: int, rate: int) -> None:
    assert lot_kernel.at_rate(np.int64(value), np.int64(rate), np.int64(100)) == round(Fraction(value * rate, 10**14)) * 100


@COMPILES_FIRST
@given(AMOUNTS, QUANTITIES, AMOUNTS, QUANTITIES, st.integers(-1, 1))
def test_which_lot_costs_more(cost: int, quantity: int, other_cost: int, other_quantity: int, nudge: int) -> None:
    found = lot_kernel.costs_more(np.int64(cost), np.int64(quantity), np.int64(other_cost), np.int64(other_quantity))
    assert found == (Fraction(cost, quantity) > Fraction(other_cost, other_quantity))
    # as near as can be to the same price
    near = cost + nudge
    found = lot_kernel.costs_more(np.int64(near), np.int64(quantity), np.int64(cost), np.int64(quantity))
    assert found == (nudge > 0)


@pytest.mark.parametrize("method", METHODS)
def test_the_kernel_agrees_with_the_oracle(method: str) -> None:
    for seed in range(200):
        chance = random.Random(seed)
        book = DecimalBook()
        events = []
        for number in range(chance.randint(1, 40)):
            size = Decimal(chance.randint(1, 40)) if seed % 2 else Decimal(chance.randint(1, 40_000)).scaleb(-3)
            quantity = size * chance.choice((1, -1))
            amount = cents(quantity * Decimal(chance.randint(1, 500_000)).scaleb(-4)) + Decimal(chance.randint(0, 300)).scaleb(-2)
            rate = Decimal(chance.randint(800_000, 1_200_000)).scaleb(-6)
            day = MONDAY + timedelta(days=number // 3)
            events.append((number, day.toordinal(), quantity, amount, cents(amount * rate), rate))
            book.trade(str(number), day, quantity, amount, cents(amount * rate), rate, method)
        held, closings = matched(METHODS[method], events)
        names = {str(number): number for number in range(len(events))} | {"AVERAGE": lot_kernel.POOL}
        assert held == [(names[lot.lot_id], lot.opened_date.toordinal(), lot.quantity, lot.cost, lot.cost_base) for lot in book.lots], seed
        totals = (
            sum((one[6] - one[4] for one in closings), Decimal(0)),
            sum((one[7] - one[5] for one in closings), Decimal(0)),
            sum((one[8] for one in closings), Decimal(0)),
        )
        assert totals == (book.realised, book.realised_base, book.realised_price_base), seed


def test_what_is_too_large_is_known() -> None:
    """Amounts of 200 billion are the kernel's, of 300 billion not; nor are 100 billion units, or yen at a rate that makes as much."""

    def fits(quantity: int, amount: int, rate: str = "1") -> bool:
        columns = events_as_arrays([(0, 0, Decimal(quantity), Decimal(amount), Decimal(amount), Decimal(rate))])
        return bool(lot_kernel.fits(0, 1, *columns[2:], np.zeros((1, 5), np.int64), 0, 0))

    assert fits(99_999_999_999, 200_000_000_000)
    assert not fits(1, 300_000_000_000)
    assert not fits(100_000_000_000, 1)
    assert not fits(1, 2_000_000_000, "160")


def events_as_arrays(events: list[tuple[int, int, Decimal, Decimal, Decimal, Decimal]]) -> list[np.ndarray]:
    scales = (0, 0, lot_kernel.QUANTITY_SCALE, lot_kernel.AMOUNT_SCALE, lot_kernel.AMOUNT_SCALE, lot_kernel.RATE_SCALE)
    return [
        np.array([int(Decimal(value).scaleb(scale)) for value in column], np.int64)
        for column, scale in zip(zip(*events, strict=True), scales, strict=True)
    ]


def matched(method: int, events: list[tuple[int, int, Decimal, Decimal, Decimal, Decimal]]) -> tuple[list[tuple], list[tuple]]:
    """Lots and closings of the kernel, in units."""
    lots, closings = np.empty((len(events), 5), np.int64), np.empty((2 * len(events), 9), np.int64)
    head, tail, closed, *realised = lot_kernel.match_key(
        method, np.int64(100), np.int64(100), 0, len(events), *events_as_arrays(events), lots, 0, 0, closings, 0
    )

    def in_units(row: np.ndarray, scales: tuple[int, ...]) -> tuple:
        return tuple(Decimal(int(value)).scaleb(-scale) for value, scale in zip(row, scales, strict=True))

    rows = [in_units(one, (0, 0, 0, 6, 4, 4, 4, 4, 4)) for one in closings[:closed]]
    assert [Decimal(int(one)).scaleb(-4) for one in realised] == [
        sum((row[6] - row[4] for row in rows), Decimal(0)),
        sum((row[7] - row[5] for row in rows), Decimal(0)),
        sum((row[8] for row in rows), Decimal(0)),
    ]
    return [in_units(one, (0, 0, 6, 4, 4)) for one in lots[head:tail]], rows
