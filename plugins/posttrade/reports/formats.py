"""How figures are written in a report: Decimal in, text out, never through a float."""

from decimal import Decimal

MINUS = "\u2212"


def money(value: Decimal | None) -> str:
    """An amount with thousands separators and at least two decimals; further decimals only where they are not zero."""
    if value is None:
        return "–"
    digits = value.normalize()
    exponent = digits.as_tuple().exponent
    decimals = max(2, -exponent) if isinstance(exponent, int) else 2
    return _with_minus(f"{value:,.{decimals}f}")


def signed_money(value: Decimal | None) -> str:
    """An amount with its sign, also when it is positive."""
    written = money(value)
    return f"+{written}" if value is not None and value > 0 else written


def quantity(value: Decimal | int | None) -> str:
    """A quantity or count with thousands separators and no trailing zeros."""
    if value is None:
        return "–"
    written = f"{Decimal(value):,f}"
    return _with_minus(written.rstrip("0").rstrip(".") if "." in written else written)


def compact_money(value: Decimal) -> str:
    """An amount for the axis of a chart: 950, 12.5k, 3.2m."""
    for size, letter in ((Decimal(10) ** 9, "bn"), (Decimal(10) ** 6, "m"), (Decimal(10) ** 3, "k")):
        if abs(value) >= size:
            return _with_minus(f"{(value / size):,.1f}".removesuffix(".0") + letter)
    return _with_minus(f"{value:,.0f}")


def tone(value: Decimal | int | None) -> str:
    """The CSS class of an amount: `negative`, `zero` or `positive`."""
    if not value:
        return "zero"
    return "negative" if value < 0 else "positive"


def counted(number: int, singular: str, plural: str = "") -> str:
    """A count with its noun: 1 alert, 2 alerts."""
    return f"{quantity(number)} {singular if number == 1 else plural or singular + 's'}"


def _with_minus(written: str) -> str:
    has_digits = any(character in "123456789" for character in written)
    return written.replace("-", MINUS if has_digits else "")
