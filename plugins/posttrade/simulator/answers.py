"""Plays custodian and bank for a simulated inbox: reads what left the house, writes what comes back.

What the two have said about a business date stays said: asking again changes nothing. Their memory is a file for each
business date in the inbox folder `simulation`; without it, the days are played again from the first.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from posttrade.errors import PosttradeError
from posttrade.simulator.bank import Bank, Payment, read_payments
from posttrade.simulator.custodian import (
    Custodian,
    Instruction,
    Key,
    Status,
    read_instructions,
    read_progress,
)
from posttrade.simulator.events import recorded_event
from posttrade.simulator.files import plain, write_csv, write_text
from posttrade.simulator.world import ANSWERS, read_marker

_FILES = ("settlement_statuses", "custodian_positions", "bank_balances")


@dataclass
class _Memory:
    """What custodian and bank know after a business date.

    Args:
        done_files: settlement files in which everything is finished.
        given: collateral movements that are done.
        paid: payments that were executed.
    """

    positions: dict[Key, Decimal] = field(default_factory=dict)
    balances: dict[str, Decimal] = field(default_factory=dict)
    done_files: list[str] = field(default_factory=list)
    given: list[str] = field(default_factory=list)
    paid: list[str] = field(default_factory=list)


def answer(inbox: Path, outbox: Path, business_date: date) -> None:
    """Writes settlement statuses, custodian positions and bank balances of a business date, before that date is closed.

    Settlement files dated before the business date are worked on; payments files dated up to it are paid on their pay
    date, at the earliest on the business date that first finds them.

    Args:
        inbox: a simulated inbox.
        outbox: what left the house; may be absent while nothing has left.
        business_date: one of the dates of the simulation.

    Raises:
        PosttradeError: if the inbox is not simulated, the date is not one of its dates, or a file of the outbox cannot
            be read.
    """
    marker = read_marker(inbox)
    sessions = [date.fromisoformat(day) for day in marker["dates"]]
    if business_date not in sessions:
        raise PosttradeError(
            f"{business_date} is not a business date of the simulated inbox {inbox}.",
            f"Its dates run from {sessions[0]} to {sessions[-1]}.",
        )
    # A missing memory of an earlier date is made good first, oldest date first.
    for place in range(sessions.index(business_date) + 1):
        if not _is_answered(inbox, sessions[place]):
            _play(inbox, outbox, marker, sessions[: place + 1])


def _is_answered(inbox: Path, day: date) -> bool:
    files = [inbox / day.isoformat() / f"{name}.csv" for name in _FILES]
    return _memory_path(inbox, day).exists() and all(path.exists() for path in files)


def _play(inbox: Path, outbox: Path, marker: Mapping[str, Any], sessions: Sequence[date]) -> None:
    today, earlier = sessions[-1], sessions[:-1]
    memory = _recall(inbox, earlier[-1]) if earlier else _Memory()
    for cash_account_id in marker["cash_accounts"]:
        memory.balances.setdefault(cash_account_id, Decimal(0))
    held_before = {key for key, quantity in memory.positions.items() if quantity}
    statuses = _settle(inbox, outbox, memory, marker, sessions)
    bank = Bank(memory.balances, marker["cash_accounts"])
    bank.settle(statuses)
    bank.collect(_due(marker["income"], "pay_date", sessions))
    bank.move(_due(marker["flows"], "flow_date", sessions))
    bank.pay(_payments_due(outbox, memory, today))
    folder = inbox / today.isoformat()
    collateral = list(_collateral_moved(marker, memory, today))
    if collateral:
        write_csv(folder, "collateral_movements", collateral)
    write_csv(folder, "settlement_statuses", (_status_row(status) for status in statuses))
    write_csv(folder, "custodian_positions", _position_rows(marker, memory.positions, held_before, today))
    write_csv(folder, "bank_balances", _balance_rows(marker, memory.balances, today))
    memory.positions = {key: quantity for key, quantity in memory.positions.items() if quantity}
    _remember(inbox, today, memory)


def _settle(inbox: Path, outbox: Path, memory: _Memory, marker: Mapping[str, Any], sessions: Sequence[date]) -> list[Status]:
    today = sessions[-1]
    done = set(memory.done_files)
    dated = [one for one in _files_until(outbox / "settlement", "settlement", today, before=True) if one[1].name not in done]
    actionable: dict[str, list[Instruction]] = {}
    still_open: set[str] = set()
    cancelled: set[str] = set()
    # Newest first: a cancellation is known before what it takes back, and what is not due need not be kept in memory.
    for _, path in reversed(dated):
        content = list(read_instructions(path))
        cancelled |= {one.cancels_instruction_id for one in content if one.function == "CANC"}
        actionable[path.name] = [
            one for one in content if one.settlement_date <= today or one.function == "CANC" or one.instruction_id in cancelled
        ]
        if len(actionable[path.name]) < len(content):
            still_open.add(path.name)
    said = [inbox / day.isoformat() / "settlement_statuses.csv" for day in sessions[:-1] if dated and day > dated[0][0]]
    wanted = {one.instruction_id for instructions in actionable.values() for one in instructions}
    progress = read_progress(said, wanted)
    events = [recorded_event(one) for one in marker["events"]]
    premiums = frozenset(tuple(one) for one in marker["premiums"])
    custodian = Custodian(today, sessions, memory.positions, progress, events, frozenset(marker["sold_short"]), premiums)
    custodian.apply_events(sessions[-2] if len(sessions) > 1 else today)
    statuses = custodian.settle([one for instructions in actionable.values() for one in instructions])
    finished = {instruction_id for instruction_id, known in progress.items() if known.is_finished}
    finished |= {status.instruction.instruction_id for status in statuses if status.is_final}
    still_open |= {name for name, content in actionable.items() if any(one.instruction_id not in finished for one in content)}
    memory.done_files += [path.name for _, path in dated if path.name not in still_open]
    return statuses


def _files_until(folder: Path, stem: str, day: date, *, before: bool) -> list[tuple[date, Path]]:
    """Files `<stem>_<date>_<n>.csv` of the outbox dated before the day, or up to it, in the order they were written."""
    found = []
    for path in folder.glob(f"{stem}_*.csv"):
        try:
            _, written, number = path.stem.split("_")
            dated, place = date.fromisoformat(written), int(number)
        except ValueError as problem:
            raise PosttradeError(f"{path} is not named {stem}_<date>_<number>.csv.", "Take the file out of the outbox.") from problem
        if dated < day or (dated == day and not before):
            found.append((dated, place, path))
    return [(dated, path) for dated, _, path in sorted(found)]


def _collateral_moved(marker: Mapping[str, Any], memory: _Memory, today: date) -> Iterator[tuple[object, ...]]:
    """Moves collateral that was agreed, once what is given is there, and back at the end of its deal."""
    for one in marker["collateral"]:
        key, agreed = (one["account_id"], one["instrument_id"]), Decimal(one["quantity"])
        for movement_id, day, quantity in (
            (f"{one['deal_instrument_id']} OUT", one["start"], agreed),
            (f"{one['deal_instrument_id']} BACK", one["end"], -agreed),
        ):
            is_first_half = quantity == agreed
            has_begun = f"{one['deal_instrument_id']} OUT" in memory.given
            is_over = today >= date.fromisoformat(one["end"])
            if movement_id in memory.given or today < date.fromisoformat(day) or is_first_half == (has_begun or is_over):
                continue
            held = memory.positions.get(key, Decimal(0))
            if held + quantity < 0:
                continue
            memory.given.append(movement_id)
            memory.positions[key] = held + quantity
            yield movement_id, one["deal_instrument_id"], one["book_id"], *key, today, plain(quantity)


def _due(entries: Sequence[Mapping[str, Any]], name: str, sessions: Sequence[date]) -> Iterator[Mapping[str, Any]]:
    """The entries that fall due after the session before and not after the last."""
    after = sessions[-2] if len(sessions) > 1 else date.min
    return (one for one in entries if after < date.fromisoformat(one[name]) <= sessions[-1])


def _payments_due(outbox: Path, memory: _Memory, today: date) -> Iterator[Payment]:
    paid = set(memory.paid)
    for _, path in _files_until(outbox / "payments", "payments", today, before=False):
        for payment in read_payments(path):
            if payment.payment_id not in paid and payment.pay_date <= today:
                paid.add(payment.payment_id)
                memory.paid.append(payment.payment_id)
                yield payment


def _status_row(status: Status) -> tuple[object, ...]:
    quantity, amount = plain(status.quantity), f"{status.amount:.2f}"
    return (
        status.status_id, status.instruction.instruction_id, status.status, status.status_date, quantity, amount,
        status.reason_code,
    )  # fmt: skip


def _position_rows(
    marker: Mapping[str, Any], positions: Mapping[Key, Decimal], held_before: set[Key], today: date
) -> Iterator[tuple[object, ...]]:
    planted = marker["planted"].get("custodian_break", {})
    error = Decimal(planted["quantity"]) if planted.get("business_date") == today.isoformat() else Decimal(0)
    for key in sorted(positions):
        quantity = positions[key]
        if not quantity and key not in held_before:
            continue
        account_id, instrument_id = key
        stated = quantity
        if error and account_id == planted["account_id"] and quantity > 0:
            stated, error = quantity + error, Decimal(0)
        yield marker["accounts"].get(account_id, ""), account_id, instrument_id, today, plain(stated)


def _balance_rows(marker: Mapping[str, Any], balances: Mapping[str, Decimal], today: date) -> Iterator[tuple[object, ...]]:
    for cash_account_id in sorted(balances):
        yield cash_account_id, today, f"{balances[cash_account_id]:.2f}", marker["cash_accounts"][cash_account_id]


def _memory_path(inbox: Path, day: date) -> Path:
    return inbox / ANSWERS / f"answers_{day}.json"


def _remember(inbox: Path, day: date, memory: _Memory) -> None:
    content = {
        "positions": [[*key, plain(quantity)] for key, quantity in sorted(memory.positions.items())],
        "balances": {name: f"{amount:.2f}" for name, amount in sorted(memory.balances.items())},
        "done_files": memory.done_files,
        "given": memory.given,
        "paid": memory.paid,
    }
    write_text(_memory_path(inbox, day), json.dumps(content))


def _recall(inbox: Path, day: date) -> _Memory:
    path = _memory_path(inbox, day)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return _Memory(
            positions={(account, instrument): Decimal(held) for account, instrument, held in content["positions"]},
            balances={name: Decimal(amount) for name, amount in content["balances"].items()},
            done_files=content["done_files"],
            given=content["given"],
            paid=content["paid"],
        )
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise PosttradeError(
            f"{path} cannot be read: {problem}.", f"Delete the folder {path.parent} and the days are played again."
        ) from problem
