"""When currency pairs dealt for spot are paid."""

from datetime import date

import pytest

from posttrade.domain.spot_dates import spot_date
from posttrade.procedures.schema import load_spot_rules


@pytest.mark.parametrize(
    ("pair", "dealt", "paid"),
    [
        ("EUR/USD", "2026-01-05", "2026-01-07"),
        # Christmas: the 25th is a holiday of both, the 26th of the euro
        ("EUR/USD", "2025-12-23", "2025-12-29"),
        # Easter of the euro: Good Friday and Monday
        ("EUR/USD", "2025-04-16", "2025-04-22"),
        # London FX, "FX value dates": dealt on a Monday before a USD holiday, EUR/USD is for Wednesday and USD/MXN for Thursday; 4 July
        # 2023 was a Tuesday
        ("EUR/USD", "2023-07-03", "2023-07-05"),
        ("USD/MXN", "2023-07-03", "2023-07-06"),
        # the same: EUR/GBP is never for 4 July; in 2025 a Friday
        ("EUR/GBP", "2025-07-02", "2025-07-07"),
        # the same: a holiday of a currency other than USD on T+1 makes it T+3; 25 August 2025 in London
        ("GBP/USD", "2025-08-22", "2025-08-27"),
        # USD/CAD is T+1, its crosses T+2; amaas-fintech/fincalendar tests/fx_settlement_date.py
        ("USD/CAD", "2017-08-01", "2017-08-02"),
        ("CAD/USD", "2017-08-01", "2017-08-02"),
        ("GBP/CAD", "2025-08-12", "2025-08-14"),
        # Canada Day, and 4 July
        ("USD/CAD", "2025-06-30", "2025-07-02"),
        ("USD/CAD", "2025-07-03", "2025-07-07"),
        # banks of Japan are closed from 31 December to 3 January
        ("USD/JPY", "2025-12-29", "2026-01-05"),
        # Auckland's anniversary, Monday 26 January 2026, on the way
        ("NZD/USD", "2026-01-23", "2026-01-28"),
        ("USD/TRY", "2026-01-05", "2026-01-06"),
        # dealt on a Saturday
        ("EUR/USD", "2026-01-03", "2026-01-07"),
    ],
)
def test_spot_dates(pair: str, dealt: str, paid: str) -> None:
    assert spot_date(load_spot_rules(), *pair.split("/"), date.fromisoformat(dealt)) == date.fromisoformat(paid)


def test_a_currency_whose_banks_nobody_knows_has_no_spot_date() -> None:
    with pytest.raises(ValueError, match="on which days the banks of PLN work is unknown"):
        spot_date(load_spot_rules(), "EUR", "PLN", date(2026, 1, 5))
