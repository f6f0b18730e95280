"""The currencies and their minor units; amounts are rounded to these once, half-even, in the database."""

import iso4217


def currencies() -> dict[str, int]:
    """Every currency of ISO 4217 that has a minor unit, with its number of decimals: 2 for EUR, 0 for JPY, 3 for KWD."""
    return {str(one.value): int(one.exponent) for one in iso4217.Currency if one.exponent is not None}
