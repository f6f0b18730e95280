"""Half-even rounding to the minor unit: the ties of ISO/IEC/IEEE 60559 roundTiesToEven."""

from decimal import Decimal

import pytest

from posttrade.domain.money import minor_unit, round_money


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.125", "EUR", "0.12"),
        ("0.135", "EUR", "0.14"),
        ("-0.125", "EUR", "-0.12"),
        ("2.5", "JPY", "2"),
        ("3.5", "JPY", "4"),
        ("1.0005", "KWD", "1.000"),
    ],
)
def test_ties_go_to_the_even_neighbour(amount: str, currency: str, rounded: str) -> None:
    assert round_money(Decimal(amount), currency) == Decimal(rounded)


@pytest.mark.parametrize("code", ["ABC", "XAU"])
def test_what_is_no_money_has_no_minor_unit(code: str) -> None:
    with pytest.raises(ValueError, match=code):
        minor_unit(code)


def test_minor_units_are_those_of_iso_4217() -> None:
    assert [minor_unit(code) for code in ("EUR", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]
