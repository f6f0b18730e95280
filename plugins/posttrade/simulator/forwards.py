"""The market files of currency forwards: outright rates and discount factors, by interest rates that do not move."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

from posttrade.simulator.files import write_csv

_INTEREST = {"EUR": Decimal("0.020"), "USD": Decimal("0.042"), "GBP": Decimal("0.038"), "CHF": Decimal("0.004")}
_DAYS_OF_YEAR = {"GBP": 365}
_STEP = Decimal("0.00001")
_FACTOR_STEP = Decimal("0.00000001")


def outright(spot: Decimal, notional_currency: str, currency: str, days: int) -> Decimal:
    """The forward price by covered interest: units of `currency` for one of `notional_currency`, `days` after the spot date.

    Args:
        spot: the price for spot.
        notional_currency: what is bought.
        currency: what it is paid in.
        days: calendar days from today.
    """
    growth = {name: _growth(name, days) for name in (notional_currency, currency)}
    return (spot * growth[currency] / growth[notional_currency]).quantize(_STEP)


def discount_factor(currency: str, days: int) -> Decimal:
    """What one unit of a currency paid `days` calendar days from today is worth today."""
    return (1 / _growth(currency, days)).quantize(_FACTOR_STEP)


def write_forward_market(folder: Path, day: date, forwards: Iterable[tuple[str, str, date]], spot: Callable[[str, str], Decimal]) -> None:
    """Writes the outright rates and discount factors of a business date that reach the forwards that are not due.

    Args:
        folder: inbox folder of the business date.
        day: the business date.
        forwards: notional currency, currency and value date.
        spot: the price of one currency in another.
    """
    due_later = [one for one in forwards if one[-1] > day]
    rates = [
        (notional, currency, day, value_date, outright(spot(notional, currency), notional, currency, (value_date - day).days))
        for notional, currency, value_date in due_later
    ]
    places = dict.fromkeys((currency, value_date) for _, currency, value_date in due_later)
    factors = [(currency, day, value_date, discount_factor(currency, (value_date - day).days)) for currency, value_date in places]
    if rates:
        write_csv(folder, "forward_rates", rates)
        write_csv(folder, "discount_factors", factors)


def _growth(currency: str, days: int) -> Decimal:
    return 1 + _INTEREST[currency] * days / _DAYS_OF_YEAR.get(currency, 360)
