"""A day whose lots are streamed through the kernel has the books it would have had without."""

from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from integration.conftest import STEPS
from integration.recorded_dbt import recorded_dbt
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade

from posttrade.offices import derivations, large_days
from posttrade.records.database import Role, engine

pytestmark = pytest.mark.usefixtures("fresh_database")
THURSDAY, FRIDAY = date(2020, 3, 5), date(2020, 3, 6)
METHODS = ("FIFO", "LIFO", "HIGHEST_COST", "LOWEST_COST", "AVERAGE", "SPECIFIC")
HELD = ("CROSSES", "SPLITS", "SPLITS UNTRADED", "AT ONCE", "HUGE", "LATE", "RESTS")
BUILT = (
    "select * from marts.fct_lots where business_date = :day order by book_id, account_id, instrument_id, lot_id",
    "select * from marts.fct_positions where business_date = :day order by book_id, account_id, instrument_id",
    "select * from marts.fct_realised_results where business_date = :day"
    " order by book_id, account_id, instrument_id, closing_trade_id, lot_id",
    "select * from marts.fct_profit_and_loss where business_date = :day order by book_id, account_id, instrument_id",
    "select * from marts.fct_corporate_actions where business_date = :day order by book_id, account_id, instrument_id, event_id",
)


def by_key(account_id: str, instrument_id: str, *trades: tuple[str, date, float | str, str, str]) -> list[dict[str, object]]:
    """Trades of a key: id, date, quantity, price, time."""
    return [
        trade(
            f"{account_id}-{instrument_id}-{number}", day, quantity, price, account_id=account_id, instrument_id=instrument_id,
            executed_at=f"{day}T{at}:00Z", fx_rate="1.0937", fee_amount="0.37",
        )
        for number, day, quantity, price, at in trades
    ]  # fmt: skip


def test_streamed_lots_are_those_the_database_works_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lots, positions, realised results and profit of a day, by the one road and by the other, column by column."""
    firm = SmallFirm(
        base="EUR",
        accounts=METHODS,
        instruments=[{"instrument_id": one} for one in ("ADDS", *HELD)],
    )
    firm.day(
        THURSDAY,
        [
            one
            for account in METHODS
            for instrument in HELD
            for one in by_key(
                account, instrument, ("1", THURSDAY, "100.25", "10.01", "14:30"), ("2", THURSDAY, 40, "12.02", "15:00"),
                ("3", THURSDAY, 60, "11.03", "15:10"),
            )
        ],
        dict.fromkeys(HELD, "12.00"),
        {"USD": "1.1"},
        lot_methods=[{"account_id": one, "valid_from": "2020-01-01", "lot_method": one} for one in METHODS],
    )  # fmt: skip
    of_the_day = []
    for account in METHODS:
        of_the_day += by_key(account, "ADDS", ("1", FRIDAY, 7, "3.33", "15:00"), ("2", FRIDAY, "0.125", "3.34", "14:31"))
        of_the_day += by_key(
            account, "CROSSES", ("4", FRIDAY, "-33.5", "12.50", "14:31"), ("5", FRIDAY, -250, "12.70", "14:32"),
            ("6", FRIDAY, 20, "12.60", "14:40"), ("7", FRIDAY, 100, "12.90", "14:50"),
        )  # fmt: skip
        of_the_day += by_key(account, "SPLITS", ("4", FRIDAY, -15, "6.10", "15:00"))
        of_the_day += by_key(account, "AT ONCE", ("4", FRIDAY, -130, "12.10", "15:00"), ("5", FRIDAY, 50, "12.20", "15:00"))
        of_the_day += by_key(account, "HUGE", ("4", FRIDAY, -30_000_000_000, "12.10", "15:00"))
        of_the_day += by_key(account, "LATE", ("4", FRIDAY, -70, "12.10", "15:00"), ("0", THURSDAY, 5, "9.99", "14:00"))
    firm.deliver(FRIDAY, "trades", of_the_day)
    firm.deliver(
        FRIDAY,
        "prices",
        [{"instrument_id": one, "price_date": FRIDAY, "price": "12.00", "currency_code": "USD"} for one in ("ADDS", *HELD)],
    )
    firm.deliver(FRIDAY, "fx_rates", [{"currency_code": "USD", "base_currency_code": "EUR", "rate_date": FRIDAY, "rate": "1.2"}])
    firm.deliver(
        FRIDAY,
        "corporate_actions",
        [
            {
                "event_id": one,
                "event_type": "SPLIT",
                "instrument_id": one,
                "ex_date": FRIDAY,
                "new_units": 2,
                "old_units": 1,
                "event_status": "ANNOUNCED",
                "pay_date": FRIDAY,
                "currency_code": "USD",
            }
            for one in ("SPLITS", "SPLITS UNTRADED")
        ],
    )

    before = STEPS.index((derivations.build_middle_office, Role.TRANSFORMER))
    run(STEPS[: before + 1])
    assert rows("select count(*) from intermediate.int_lots__streamed") == [(0,)]
    in_the_database = [rows(statement, day=FRIDAY) for statement in BUILT]
    assert all(in_the_database)

    monkeypatch.setattr(large_days, "TRADES_OF_A_LARGE_DAY", 1)
    run(STEPS[before:])
    for statement, expected in zip(BUILT, in_the_database, strict=True):
        assert without_time(rows(statement, day=FRIDAY)) == without_time(expected), statement
    streamed = "select account_id, instrument_id from intermediate.int_lots__streamed where {} is_matched"
    assert set(rows(streamed.format(""))) == {(one, name) for one in METHODS if one != "SPECIFIC" for name in ("ADDS", "CROSSES")}
    left = {(one, name) for one in METHODS for name in HELD if name not in ("CROSSES", "RESTS")} | {
        ("SPECIFIC", "ADDS"),
        ("SPECIFIC", "CROSSES"),
    }
    assert set(rows(streamed.format("not"))) == left
    carried = "select account_id from intermediate.int_lots__matched where is_streamed and instrument_id = 'RESTS'"
    assert set(rows(carried)) == {(one,) for one in METHODS}
    assert_books_tie()

    # the same again without the kernel, which leaves nothing behind
    monkeypatch.undo()
    run([STEPS[before]])
    assert rows("select count(*) from intermediate.int_lots__matched where is_streamed") == [(0,)]
    for statement, expected in zip(BUILT, in_the_database, strict=True):
        assert without_time(rows(statement, day=FRIDAY)) == without_time(expected), statement

    # 100.25 + 40 + 60 - 33.5 - 250 + 20 + 100 = 36.75, all of it from the last trade, which went through zero
    lots = (
        "select open_quantity, lot_id from marts.fct_lots where business_date = :day and instrument_id = 'CROSSES' and account_id = 'FIFO'"
    )
    assert rows(lots, day=FRIDAY) == [(Decimal("36.75"), "CSV~FIFO-CROSSES-7")]


def test_a_day_is_large_from_its_first_trade_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    traded = by_key("A", "I", ("1", THURSDAY, 1, "2.00", "15:00"), ("2", THURSDAY, 1, "2.00", "15:01"))
    SmallFirm(base="EUR").day(THURSDAY, traded, {"I": "2.00"}, {"USD": "1.1"})
    transformer = engine(Role.TRANSFORMER)
    assert not large_days.is_large_day(THURSDAY, transformer)
    for enough, is_large in ((3, False), (2, True)):
        monkeypatch.setattr(large_days, "TRADES_OF_A_LARGE_DAY", enough)
        assert large_days.is_large_day(THURSDAY, transformer) == is_large
    assert not large_days.is_large_day(FRIDAY, transformer)


def run(steps: Sequence[tuple[Callable[..., object], Role]]) -> None:
    """The steps of Friday's close."""
    with recorded_dbt():
        for step, role in steps:
            step(FRIDAY, engine(role))


def without_time(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows without the moment they were built at."""
    return [tuple(value for value in row if not hasattr(value, "hour")) for row in found]
