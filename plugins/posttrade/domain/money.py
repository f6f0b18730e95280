"""Amounts of money: rounded once, half-even, to the currency's minor unit."""

from decimal import ROUND_HALF_EVEN, Decimal
from functools import lru_cache

import iso4217


@lru_cache(maxsize=256)
def minor_unit(currency_code: str) -> int:
    """The number of decimals of a currency (ISO 4217): 2 for EUR, 0 for JPY, 3 for KWD.

    Raises:
        ValueError: no such currency, or one without minor unit, such as gold.
    """
    exponent = iso4217.Currency(currency_code).exponent
    if exponent is None:
        raise ValueError(f"{currency_code} has no minor unit in ISO 4217")
    return int(exponent)


def round_money(amount: Decimal, currency_code: str) -> Decimal:
    """The amount rounded half-even to the currency's minor unit.

    Args:
        amount: in units of the currency, any sign.
        currency_code: ISO 4217.
    """
    return amount.quantize(Decimal(1).scaleb(-minor_unit(currency_code)), rounding=ROUND_HALF_EVEN)


def currencies() -> dict[str, int]:
    """Every currency of ISO 4217 that has a minor unit, with its number of decimals."""
    return {str(one.value): int(one.exponent) for one in iso4217.Currency if one.exponent is not None}
