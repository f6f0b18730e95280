"""How many settlement days after the trade a market settles, by the date of the trade."""

from dataclasses import dataclass
from datetime import date

from posttrade.domain.bank_calendars import is_bank_day
from posttrade.domain.calendars import add_sessions, next_session


@dataclass(frozen=True)
class SettlementCycle:
    """Trades from `valid_from` on settle `days` settlement days after the trade date, until the next cycle begins."""

    valid_from: date
    days: int


@dataclass(frozen=True)
class MarketSettlement:
    """How one market settles."""

    cycles: tuple[SettlementCycle, ...]
    """In order of `valid_from`."""
    bank_calendar: str | None = None
    """Set where banks are closed on some sessions: no settlement then."""


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


def settlement_date(market_mic: str, market: MarketSettlement, trade_date: date) -> date:
    """The standard settlement date of a trade: T+n counted in sessions on which the market's banks work.

    A trade date on which the market is closed counts from its next session. A session on which banks are closed can
    be a trade date and is no settlement day (FINRA's yearly notices on Columbus Day and Veterans Day).

    Raises:
        ValueError: no calendar or cycle is known for the market or date.
    """
    day = add_sessions(market_mic, trade_date, 0)
    left = cycle_in_force(market.cycles, trade_date).days
    while left:
        day = next_session(market_mic, day)
        if market.bank_calendar is None or is_bank_day(market.bank_calendar, day):
            left -= 1
    return day
