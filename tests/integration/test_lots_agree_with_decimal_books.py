"""Lots by SQL and by the oracle agree exactly, for a thousand random histories; and what must hold of any history does."""

import random
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import psycopg
import pytest
from decimal_books import DecimalBook, cents
from lot_books import LotTrade, match

from posttrade.domain.lots import LotMethod

MONDAY = date(2026, 1, 5)


def random_history(chance: random.Random, length: int) -> list[LotTrade]:
    """Trades on both sides with fractions, fees, own rates, odd cents, splits, parts paid in cash and changes of method."""
    trades: list[LotTrade] = []
    whole = chance.random() < 0.5
    method = chance.choice(list(LotMethod))
    for number in range(length):
        if chance.random() < 0.05:
            method = chance.choice(list(LotMethod))
        day = MONDAY + timedelta(days=number // 3)
        if chance.random() < 0.05:
            new_units, old_units = chance.choice([(2, 1), (1, 3), (3, 2), (1, 10)])
            rate = Decimal(chance.randint(800_000, 1_200_000)).scaleb(-6)
            paid = Decimal(chance.randint(1, 5_000)).scaleb(-2) if chance.random() < 0.5 else None
            trades.append(
                LotTrade(
                    f"E{number}",
                    day,
                    new_units=Decimal(new_units),
                    old_units=Decimal(old_units),
                    fx_rate=rate,
                    lot_method=method,
                    fraction_price=paid,
                )
            )
            continue
        if chance.random() < 0.06:
            rate = Decimal(chance.randint(800_000, 1_200_000)).scaleb(-6)
            cash = Decimal(chance.randint(1, 50_000)).scaleb(-3)
            part = Decimal(chance.randint(1, 999)).scaleb(-3)
            size = chance.choice([
                {"closed_fraction": part}, {"closed_fraction": Decimal(1), "exercised_fraction": part},
                {"closed_fraction": Decimal(1), "exercised_quantity": Decimal(chance.randint(1, 50_000)).scaleb(-3)},
            ])  # fmt: skip
            trades.append(LotTrade(f"C{number}", day, fx_rate=rate, lot_method=method, cash_per_unit=cash, **size))
            continue
        units = Decimal(chance.randint(1, 40)) if whole else Decimal(chance.randint(1, 40_000)).scaleb(-3)
        quantity = units * chance.choice([1, -1])
        amount = cents(quantity * Decimal(chance.randint(1, 500_000)).scaleb(-4)) + Decimal(chance.randint(0, 300)).scaleb(-2)
        rate = Decimal(chance.randint(800_000, 1_200_000)).scaleb(-6)
        names = chance.choice([one.trade_id for one in trades]) if trades and chance.random() < 0.7 else None
        trades.append(LotTrade(f"T{number}", day, quantity, amount, cents(amount * rate), rate, names, lot_method=method))
    return trades


def by_oracle(trades: list[LotTrade]) -> tuple[DecimalBook, Decimal]:
    """The book, and what fractions brought in cash."""
    book, received = DecimalBook(), Decimal(0)
    for one in trades:
        if one.closed_fraction is not None:
            assert one.cash_per_unit is not None
            assert one.lot_method is not None
            units, taken = one.exercised_quantity, None
            if one.exercised_fraction is not None:
                units = (abs(book.quantity) * one.exercised_fraction).quantize(Decimal("1e-10"), ROUND_HALF_UP)
            # who exercises all that is held chooses no lots
            if units is not None and units < abs(book.quantity):
                taken = book.take(units.copy_sign(book.quantity), one.lot_method)
            received += book.pay_back(one.closed_fraction, one.cash_per_unit, one.fx_rate, taken)[0]
        elif one.quantity is None:
            assert one.lot_method is not None
            received += book.split(
                one.trade_id, one.trade_date, one.new_units, one.old_units, one.fraction_price, one.fx_rate, one.lot_method
            )[0]
        else:
            assert one.amount is not None
            assert one.amount_base is not None
            assert one.lot_method is not None
            book.trade(
                one.trade_id, one.trade_date, one.quantity, one.amount, one.amount_base, one.fx_rate, one.lot_method, one.closes_trade_id
            )
    return book, received


@pytest.mark.parametrize("part", range(4))
def test_a_thousand_random_histories(part: int, migrated_database: psycopg.Connection[Any]) -> None:
    for seed in range(part * 250, (part + 1) * 250):
        chance = random.Random(seed)
        trades = random_history(chance, chance.randint(1, 40))
        found, (expected, received) = match(migrated_database, trades, "FIFO"), by_oracle(trades)
        assert [(lot.lot_id, lot.opened_date, lot.quantity, lot.cost_amount, lot.cost_amount_base) for lot in found.lots] == [
            (lot.lot_id, lot.opened_date, lot.quantity, lot.cost, lot.cost_base) for lot in expected.lots
        ], seed
        assert (found.realised_amount, found.realised_amount_base, found.realised_price_amount_base) == (
            expected.realised,
            expected.realised_base,
            expected.realised_price_base,
        ), seed
        # Nothing is lost: what went in is what is open and what was closed.
        assert found.cost_amount - found.realised_amount == sum(one.amount for one in trades if one.amount is not None) - received, seed
        assert sum(one[6] - one[4] for one in found.closings if not one[1]) == found.realised_amount, seed


@pytest.mark.parametrize("seed", range(100))
def test_all_methods_agree_once_flat(seed: int, migrated_database: psycopg.Connection[Any]) -> None:
    trades = [one for one in random_history(random.Random(seed), 20) if one.quantity is not None]
    held = sum((one.quantity for one in trades if one.quantity is not None), Decimal(0))
    if held:
        amount = cents(-held * Decimal("12.345"))
        trades.append(LotTrade("LAST", MONDAY + timedelta(days=30), -held, amount, amount))
    results = set()
    for method in ("FIFO", "LIFO", "HIGHEST_COST", "LOWEST_COST", "AVERAGE"):
        book = match(migrated_database, [LotTrade(**{**vars(one), "lot_method": None}) for one in trades], method)
        assert (book.lots, book.quantity, book.cost_amount, book.cost_amount_base) == ([], 0, 0, 0)
        results.add((book.realised_amount, book.realised_amount_base))
    assert len(results) == 1


@pytest.mark.parametrize("method", [one for one in LotMethod if one is not LotMethod.SPECIFIC])
def test_a_trade_in_two_halves_changes_no_total(method: str, migrated_database: psycopg.Connection[Any]) -> None:
    for seed in range(50):
        whole = [one for one in random_history(random.Random(seed), 20) if one.quantity is not None]
        halves = []
        for one in whole:
            assert one.quantity is not None
            assert one.amount is not None
            assert one.amount_base is not None
            first, first_amount, first_base = one.quantity / 4, cents(one.amount / 4), cents(one.amount_base / 4)
            rest = (one.quantity - first, one.amount - first_amount, one.amount_base - first_base)
            halves.append(LotTrade(one.trade_id + "a", one.trade_date, first, first_amount, first_base, one.fx_rate))
            halves.append(LotTrade(one.trade_id + "b", one.trade_date, *rest, one.fx_rate))
        book, split = match(migrated_database, [LotTrade(**{**vars(one), "lot_method": None}) for one in whole], method), None
        split = match(migrated_database, halves, method)
        assert split.quantity == book.quantity, seed
        # What is open and what was realised together are what was paid, however it was cut.
        assert split.cost_amount - split.realised_amount == book.cost_amount - book.realised_amount, seed
        assert split.cost_amount_base - split.realised_amount_base == book.cost_amount_base - book.realised_amount_base, seed


def test_a_specific_close_takes_the_lot_it_names_and_counts_what_it_does_not_name(migrated_database: psycopg.Connection[Any]) -> None:
    def bought(trade_id: str, day: int, price: int) -> LotTrade:
        return LotTrade(trade_id, MONDAY + timedelta(days=day), Decimal(10), Decimal(10 * price), Decimal(10 * price))

    sold = LotTrade("S", MONDAY + timedelta(days=5), Decimal(-15), Decimal(-300), Decimal(-300), closes_trade_id="B")
    book = match(migrated_database, [bought("A", 0, 10), bought("B", 1, 11), bought("C", 2, 12), sold], "SPECIFIC")
    # 10 of B, then 5 of A, the oldest, which nobody named.
    assert [(lot.lot_id, lot.quantity, lot.cost_amount) for lot in book.lots] == [("A", 5, 50), ("C", 10, 120)]
    assert (book.unnamed_quantity, book.realised_amount) == (5, 300 - 110 - 50)


def test_a_restatement_moves_cost_and_keeps_the_total(migrated_database: psycopg.Connection[Any]) -> None:
    """Trinity Industries spins off Arcosa, 2018-10-17: 28.0210158 % of the cost moves; finbourne/sample-notebooks corporate_actions.csv."""
    trades = [
        LotTrade("T", date(2018, 1, 1), Decimal(100), Decimal("2634.00"), Decimal("2634.00")),
        LotTrade("SPIN", date(2018, 10, 17), cost_moved=Decimal("0.280210158")),
    ]
    book = match(migrated_database, trades, "FIFO")
    assert (book.quantity, book.cost_amount, book.realised_amount) == (100, Decimal("1895.93"), 0)
    assert [(one[0], one[1], one[3], one[4]) for one in book.closings] == [("SPIN", True, 100, Decimal("738.07"))]


def test_a_merger_empties_the_lots_and_moves_all_their_cost(migrated_database: psycopg.Connection[Any]) -> None:
    trades = [
        LotTrade("T1", MONDAY, Decimal(60), Decimal("4560.60"), Decimal("4104.54")),
        LotTrade("T2", MONDAY, Decimal(40), Decimal("3040.40"), Decimal("2736.36")),
        LotTrade("MERGER", MONDAY, new_units=Decimal(0), cost_moved=Decimal(1)),
    ]
    book = match(migrated_database, trades, "FIFO")
    assert (book.lots, book.quantity, book.cost_amount, book.realised_amount) == ([], 0, 0, 0)
    assert [(one[2], one[3], one[4], one[5]) for one in book.closings] == [
        ("T1", 60, Decimal("4560.60"), Decimal("4104.54")),
        ("T2", 40, Decimal("3040.40"), Decimal("2736.36")),
    ]
