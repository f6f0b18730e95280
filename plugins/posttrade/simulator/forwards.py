"""The market files of currency forwards: what a currency bought for a later date stands at."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

from posttrade.simulator.files import write_csv

_INTEREST = {"EUR": Decimal("0.020"), "USD": Decimal("0.042"), "GBP": Decimal("0.038"), "CHF": Decimal("0.004")}
_DAYS_OF_YEAR = {"GBP": 365}
_STEP = Decimal("0.00001")


def outright(spot: Decimal, notional_currency: str, currency: str, days: int) -> Decimal:
    """The forward price by covered interest: units of `currency` for one of `notional_currency`, `days` after the spot date.

    Args:
        spot: the price for spot.
        notional_currency: what is bought.
        currency: what it is paid in.
        days: calendar days from today.
    """
    growth = {name: 1 + _INTEREST[name] * days / _DAYS_OF_YEAR.get(name, 360) for name in (notional_currency, currency)}
    return (spot * growth[currency] / growth[notional_currency]).quantize(_STEP)


def write_forward_market(
    folder: Path, day: date, forwards: Iterable[tuple[str, str, str, date]], spot: Callable[[str, str], Decimal]
) -> None:
    """Writes what the forwards that are not due stand at on a business date.

    Args:
        folder: inbox folder of the business date.
        day: the business date.
        forwards: instrument, notional currency, currency and maturity.
        spot: the price of one currency in another.
    """
    rows = [
        (name, day, outright(spot(notional, currency), notional, currency, (maturity - day).days), currency)
        for name, notional, currency, maturity in forwards
        if maturity > day
    ]
    if rows:
        write_csv(folder, "prices", rows, name="prices_forwards")
