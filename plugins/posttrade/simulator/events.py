"""Events that turn units of an instrument into others or into cash, as the simulated issuers and clearing houses see them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class UnitEvent:
    """What becomes of one unit that was bought before the ex date.

    Args:
        account_id: the account it holds for; empty for all.
        ex_date: who buys from this date on has no part in it.
        pay_date: the custodian delivers and the bank pays.
        retained: units that are left of one.
        received_instrument_id: what comes for it; empty if nothing does.
        received: units of that for one.
        cash: received for one unit, in currency; paid if negative.
    """

    event_id: str
    event_type: str
    instrument_id: str
    account_id: str
    ex_date: date
    pay_date: date
    retained: Decimal
    received_instrument_id: str = ""
    received: Decimal = Decimal(0)
    cash: Decimal = Decimal(0)

    def record(self) -> dict[str, str]:
        """The event as texts, to be kept in a file."""
        return {name: str(value) for name, value in asdict(self).items()}


def recorded_event(record: Mapping[str, Any]) -> UnitEvent:
    """The event that `UnitEvent.record` wrote down."""
    dates = {name: date.fromisoformat(record[name]) for name in ("ex_date", "pay_date")}
    numbers = {name: Decimal(record[name]) for name in ("retained", "received", "cash")}
    return UnitEvent(**{**record, **dates, **numbers})


def in_order(events: Sequence[UnitEvent]) -> list[UnitEvent]:
    """By ex date, and what is left of an instrument last."""
    return sorted(events, key=lambda one: (one.ex_date, one.event_type == "EXPIRY", one.event_id))


def units_after(
    events: Sequence[UnitEvent], instrument_id: str, account_id: str, quantity: Decimal, trade_date: date, day: date, *, delivered: bool
) -> Iterator[tuple[str, Decimal]]:
    """What a traded quantity has become by a day: instruments and units, one after the other.

    Args:
        events: in order.
        instrument_id: what was traded.
        account_id: where it lies.
        quantity: signed, in the units of the trade date.
        trade_date: events that go ex after it count.
        day: events up to this day count ...
        delivered: ... by their pay date; else by their ex date.
    """
    yield from _walk(events, 0, instrument_id, account_id, quantity, trade_date, day, delivered)


def _walk(
    events: Sequence[UnitEvent], start: int, instrument_id: str, account_id: str, quantity: Decimal, trade_date: date, day: date,
    delivered: bool,
) -> Iterator[tuple[str, Decimal]]:  # fmt: skip
    for place in range(start, len(events)):
        one = events[place]
        counts = trade_date < one.ex_date and (one.pay_date if delivered else one.ex_date) <= day
        if counts and one.instrument_id == instrument_id and one.account_id in ("", account_id):
            for name, units in ((instrument_id, one.retained), (one.received_instrument_id, one.received)):
                if units:
                    yield from _walk(events, place + 1, name, account_id, quantity * units, trade_date, day, delivered)
            return
    yield instrument_id, quantity


def units_before(
    events: Sequence[UnitEvent], event: UnitEvent, instrument_id: str, account_id: str, quantity: Decimal, trade_date: date
) -> Decimal:
    """How much of the event's instrument a traded quantity was when the event went ex; zero if it was traded later."""
    if trade_date >= event.ex_date or event.account_id not in ("", account_id):
        return Decimal(0)
    earlier = events[: events.index(event)]
    parts = units_after(earlier, instrument_id, account_id, quantity, trade_date, event.ex_date, delivered=False)
    return sum((units for name, units in parts if name == event.instrument_id), Decimal(0))
