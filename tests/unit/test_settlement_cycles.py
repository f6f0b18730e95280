"""Standard settlement dates around the changes of cycle and around bank holidays."""

from datetime import date

import pytest

from posttrade.domain.settlement_cycles import settlement_date
from posttrade.procedures.schema import known_markets, load_settlement_cycles


@pytest.mark.parametrize(
    ("market", "trade_date", "settles"),
    [
        # United States: the last trades of a cycle and the first of the next settle together,
        # on 2017-09-07 (Labor Day between them) and on 2024-05-29 (Memorial Day)
        ("XNYS", "2017-09-01", "2017-09-07"),
        ("XNYS", "2017-09-05", "2017-09-07"),
        ("XNYS", "2024-05-24", "2024-05-29"),
        ("XNYS", "2024-05-28", "2024-05-29"),
        ("XNAS", "2026-01-02", "2026-01-05"),
        # Columbus Day 2024: a session, no settlement day; both trades settle on the 15th (FINRA notice)
        ("XNYS", "2024-10-11", "2024-10-15"),
        ("XNYS", "2024-10-14", "2024-10-15"),
        # Veterans Day 2004, T+3
        ("XNYS", "2004-11-08", "2004-11-12"),
        # Canada changed one day before the United States
        ("XTSE", "2024-05-27", "2024-05-28"),
        # CSDR: T+3 until Friday 2014-10-03, T+2 from Monday; both settle on the 8th
        ("XPAR", "2014-10-03", "2014-10-08"),
        ("XPAR", "2014-10-06", "2014-10-08"),
        ("XLON", "2014-10-03", "2014-10-08"),
        ("XSWX", "2014-10-06", "2014-10-08"),
        # Germany was on T+2 before; Spanish equities followed in 2016
        ("XETR", "2014-10-01", "2014-10-06"),
        ("XMAD", "2016-09-30", "2016-10-05"),
        ("XMAD", "2016-10-03", "2016-10-05"),
        # T+1 from Monday 2027-10-11
        ("XETR", "2027-10-08", "2027-10-12"),
        ("XETR", "2027-10-11", "2027-10-12"),
        ("XLON", "2027-10-11", "2027-10-12"),
        ("XSWX", "2027-10-11", "2027-10-12"),
        # Easter
        ("XETR", "2026-04-02", "2026-04-08"),
        # a trade dated on a closed day counts from the next session
        ("XETR", "2026-01-03", "2026-01-07"),
    ],
)
def test_standard_settlement(market: str, trade_date: str, settles: str) -> None:
    found = settlement_date(market, load_settlement_cycles()[market], date.fromisoformat(trade_date))
    assert found == date.fromisoformat(settles)


def test_a_trade_before_the_first_cycle_has_no_standard_settlement() -> None:
    with pytest.raises(ValueError, match="no settlement cycle is known for trades of 1990-01-02"):
        settlement_date("XNYS", load_settlement_cycles()["XNYS"], date(1990, 1, 2))


@pytest.mark.parametrize("market", known_markets())
def test_every_market_with_a_cycle_has_a_calendar(market: str) -> None:
    assert settlement_date(market, load_settlement_cycles()[market], date(2026, 1, 7)) >= date(2026, 1, 7)
