"""How many sessions after the trade a market settles, by the date of the trade."""

from dataclasses import dataclass
from datetime import date

from posttrade.domain.calendars import add_sessions


@dataclass(frozen=True)
class SettlementCycle:
    """Trades from `valid_from` on settle `days` sessions after the trade date, until the next cycle begins."""

    valid_from: date
    days: int


def cycle_in_force(cycles: tuple[SettlementCycle, ...], trade_date: date) -> SettlementCycle:
    """The cycle for trades of a date.

    Args:
        cycles: of one market, in order of `valid_from`.
        trade_date: in the market's time zone.

    Raises:
        ValueError: the first cycle begins after the trade date.
    """
    for cycle in reversed(cycles):
        if cycle.valid_from <= trade_date:
            return cycle
    raise ValueError(f"no settlement cycle is known for trades of {trade_date}")


def settlement_date(market_mic: str, cycles: tuple[SettlementCycle, ...], trade_date: date) -> date:
    """The standard settlement date of a trade.

    A trade date on which the market is closed counts from its next session.
    """
    return add_sessions(market_mic, trade_date, cycle_in_force(cycles, trade_date).days)
