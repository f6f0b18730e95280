"""Minor units of currencies."""

from posttrade.domain.money import currencies


def test_minor_units_are_those_of_iso_4217() -> None:
    found = currencies()
    assert [found[code] for code in ("EUR", "JPY", "KWD", "CLF")] == [2, 0, 3, 4]


def test_what_is_no_money_has_no_minor_unit() -> None:
    assert not {"ABC", "XAU"} & set(currencies())
