"""When the two amounts of a currency pair dealt for spot are paid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from posttrade.domain.bank_calendars import is_bank_day

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class SpotPair:
    """Where a pair differs from the others."""

    days: int
    """Business days from the trade to the payment."""
    waits_for_every_holiday: bool
    """Whether a holiday of the currency that is never paid on is waited for on the way, too."""


@dataclass(frozen=True)
class SpotRules:
    """The convention of the market, procedures/settlement_cycles.yaml."""

    days: int
    never_on_holidays_of: str
    """A currency: nothing is paid on a holiday of it, also of pairs without it."""
    pairs: Mapping[frozenset[str], SpotPair]
    currencies: Mapping[str, tuple[str, ...]]
    """By currency the bank calendars that close it."""


def spot_date(rules: SpotRules, one: str, other: str, trade_date: date) -> date:
    """The day on which both amounts are paid.

    The days from the trade on are counted on the joint calendar of both currencies. Holidays of the dollar count as open on the way, and
    the last day is open in both currencies and the dollar (London FX, "FX value dates"). A trade dated on a weekend counts from Monday.

    Args:
        rules: the convention.
        one: code of a currency of the pair.
        other: code of the other one; their order does not matter.
        trade_date: the day the pair was dealt.

    Raises:
        ValueError: nobody knows on which days the banks of a currency work.
    """
    pair = rules.pairs.get(frozenset((one, other)), SpotPair(rules.days, waits_for_every_holiday=False))
    waited_for = {one, other} if pair.waits_for_every_holiday else {one, other} - {rules.never_on_holidays_of}
    day = trade_date
    while day.weekday() >= 5:
        day += ONE_DAY
    for place in range(1, pair.days + 1):
        # the last one is the day of payment
        open_in = waited_for if place < pair.days else {one, other, rules.never_on_holidays_of}
        day += ONE_DAY
        while not _is_open(rules, open_in, day):
            day += ONE_DAY
    return day


def _is_open(rules: SpotRules, currencies: set[str], day: date) -> bool:
    unknown = sorted(currencies - rules.currencies.keys())
    if unknown:
        raise ValueError(f"on which days the banks of {unknown[0]} work is unknown")
    return day.weekday() < 5 and all(is_bank_day(calendar, day) for currency in currencies for calendar in rules.currencies[currency])
