"""The custodian of the simulated world: settles, fails, splits and cancels what it is instructed to do."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from hashlib import md5
from pathlib import Path

from posttrade.errors import PosttradeError
from posttrade.simulator.events import UnitEvent, units_after
from posttrade.simulator.files import date_field, decimal_field, plain, read_csv, text_field

Key = tuple[str, str]
"""Account and instrument."""

CENT = Decimal("0.01")
NOTHING = Decimal(0)
_FAILS_BELOW, _SPLITS_BELOW = 20, 40
"""Of a thousand instructions, the first twenty fail at first and the next twenty settle in two parts."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """One line of a settlement file; signs as instructed: receive positive, deliver and pay negative."""

    instruction_id: str
    function: str
    cancels_instruction_id: str
    account_id: str
    instrument_id: str
    quantity: Decimal
    amount: Decimal
    currency_code: str
    trade_date: date
    settlement_date: date
    cash_account_id: str

    @property
    def key(self) -> Key:
        return self.account_id, self.instrument_id

    @property
    def luck(self) -> int:
        """A number from 0 to 999 that decides what becomes of the instruction, the same at every replay."""
        return int.from_bytes(md5(self.instruction_id.encode(), usedforsecurity=False).digest()[:4]) % 1000


@dataclass(frozen=True)
class Status:
    """What the custodian says about an instruction on a date; quantity and amount are what this status moved."""

    instruction: Instruction
    status: str
    status_date: date
    quantity: Decimal = NOTHING
    amount: Decimal = NOTHING
    reason_code: str = ""

    @property
    def status_id(self) -> str:
        name = f"{self.instruction.instruction_id}|{self.status}|{self.status_date}"
        return "ST" + md5(name.encode(), usedforsecurity=False).hexdigest()[:14].upper()

    @property
    def is_final(self) -> bool:
        return _is_final(self.status, self.reason_code)


@dataclass
class Progress:
    """What the custodian has said about an instruction before.

    Args:
        dates_failed: dates on which it failed for a reason that passes.
    """

    quantity: Decimal = NOTHING
    amount: Decimal = NOTHING
    is_finished: bool = False
    dates_failed: list[date] = field(default_factory=list)


def read_instructions(path: Path) -> Iterator[Instruction]:
    """The instructions of a settlement file."""
    for line_no, row in read_csv(path):
        function = text_field(path, line_no, row, "function")
        if function not in ("NEWM", "CANC", "RETN"):
            raise PosttradeError(
                f"{path}, line {line_no}: function is {function!r}, expected NEWM, CANC or RETN.",
                "Deliver the file again.",
            )
        yield Instruction(
            instruction_id=text_field(path, line_no, row, "instruction_id"),
            function=function,
            cancels_instruction_id=text_field(path, line_no, row, "cancels_instruction_id"),
            account_id=text_field(path, line_no, row, "account_id"),
            instrument_id=text_field(path, line_no, row, "instrument_id"),
            quantity=decimal_field(path, line_no, row, "quantity"),
            amount=decimal_field(path, line_no, row, "amount"),
            currency_code=text_field(path, line_no, row, "currency_code"),
            trade_date=date_field(path, line_no, row, "trade_date"),
            settlement_date=date_field(path, line_no, row, "settlement_date"),
            cash_account_id=text_field(path, line_no, row, "cash_account_id"),
        )


def read_progress(paths: Iterable[Path], wanted: frozenset[str] | set[str]) -> dict[str, Progress]:
    """What earlier status files say about the wanted instructions."""
    progress: dict[str, Progress] = defaultdict(Progress)
    for path in paths:
        for line_no, row in read_csv(path):
            instruction_id = text_field(path, line_no, row, "instruction_id")
            if instruction_id not in wanted:
                continue
            known = progress[instruction_id]
            status = text_field(path, line_no, row, "status")
            known.quantity += decimal_field(path, line_no, row, "settled_quantity")
            known.amount += decimal_field(path, line_no, row, "settled_amount")
            reason = text_field(path, line_no, row, "reason_code")
            if status == "FAILED" and not _is_final(status, reason):
                known.dates_failed.append(date_field(path, line_no, row, "status_date"))
            known.is_finished = known.is_finished or _is_final(status, reason)
    return dict(progress)


def _is_final(status: str, reason_code: str) -> bool:
    """Nothing follows a settlement, a cancellation, or a cancellation that was denied."""
    return status in ("SETTLED", "CANCELLED") or reason_code == "DEND"


class Custodian:
    """Settles one business date.

    Args:
        business_date: the date the custodian works on.
        sessions: business dates up to it, in order.
        positions: settled quantities at the start of the day; moved by what settles.
        progress: what was said before about instructions that are not finished, or are.
        events: what turns units into others; what was traded before one settles in the units of before and counts in those of after.
        sold_short: instruments that may be owed, as an option that was written.
        premiums: account, instrument, trade date, quantity and amount of every trade in options as the clearing house has it; what is
            instructed otherwise does not match and never settles.
    """

    def __init__(
        self,
        business_date: date,
        sessions: Sequence[date],
        positions: dict[Key, Decimal],
        progress: Mapping[str, Progress],
        events: Sequence[UnitEvent] = (),
        sold_short: Container[str] = (),
        premiums: frozenset[tuple[str, ...]] = frozenset(),
    ) -> None:
        self._premiums = premiums
        self._options = {instrument_id for _, instrument_id, *_ in premiums}
        self._events = events
        self._sold_short = sold_short
        self._today = business_date
        self._sessions = sessions
        self._positions = positions
        self._progress = progress
        self._finished_today: set[str] = set()

    def settle(self, instructions: Sequence[Instruction]) -> list[Status]:
        """Statuses of the date, cancellations first, then receipts, then deliveries out of what is there.

        Args:
            instructions: everything instructed so far that is due or cancelled; what is finished is passed over.
        """
        statuses = list(self._cancel(instructions))
        due = [one for one in instructions if one.function != "CANC" and self._is_due(one)]
        due.sort(key=lambda one: (one.quantity < 0, one.settlement_date, one.instruction_id))
        for instruction in due:
            status = self._settle(instruction)
            if status is None:
                continue
            for key, quantity in self._moved(instruction, status.quantity):
                self._positions[key] = self._positions.get(key, NOTHING) + quantity
            statuses.append(status)
        return statuses

    def apply_events(self, since: date) -> None:
        """Delivers what events bring after a date, out of what has settled."""
        for event in self._events:
            if not since < event.pay_date <= self._today:
                continue
            for account_id, instrument_id in list(self._positions):
                if instrument_id != event.instrument_id or event.account_id not in ("", account_id):
                    continue
                held = self._positions[account_id, instrument_id]
                self._positions[account_id, instrument_id] = held * event.retained
                if event.received:
                    key = account_id, event.received_instrument_id
                    self._positions[key] = self._positions.get(key, NOTHING) + held * event.received

    def _moved(self, one: Instruction, quantity: Decimal) -> list[tuple[Key, Decimal]]:
        """What a settled quantity moves, in the units of today."""
        parts = units_after(self._events, one.instrument_id, one.account_id, quantity, one.trade_date, self._today, delivered=True)
        return [((one.account_id, name), units) for name, units in parts]

    def _is_lacking(self, one: Instruction, quantity: Decimal) -> bool:
        return any(
            units < 0 and key[1] not in self._sold_short and self._positions.get(key, NOTHING) + units < 0
            for key, units in self._moved(one, quantity)
        )

    def _is_matched(self, one: Instruction) -> bool:
        if one.function != "NEWM" or one.instrument_id not in self._options:
            return True
        instructed = (one.account_id, one.instrument_id, str(one.trade_date), plain(one.quantity), f"{one.amount:.2f}")
        return instructed in self._premiums

    def _before(self, instruction_id: str) -> Progress:
        return self._progress.get(instruction_id) or Progress()

    def _is_due(self, one: Instruction) -> bool:
        is_finished = self._before(one.instruction_id).is_finished or one.instruction_id in self._finished_today
        return one.settlement_date <= self._today and not is_finished

    def _cancel(self, instructions: Sequence[Instruction]) -> Iterator[Status]:
        cancellations = [one for one in instructions if one.function == "CANC" and not self._before(one.instruction_id).is_finished]
        wanted = {one.cancels_instruction_id for one in cancellations}
        originals = {one.instruction_id: one for one in instructions if one.instruction_id in wanted}
        for one in sorted(cancellations, key=lambda one: one.instruction_id):
            original = originals.get(one.cancels_instruction_id)
            is_finished = original is None or self._before(original.instruction_id).is_finished
            if original is None or is_finished or original.instruction_id in self._finished_today:
                yield Status(one, "FAILED", self._today, reason_code="DEND")
                continue
            self._finished_today.add(original.instruction_id)
            yield Status(original, "CANCELLED", self._today, reason_code="CANI")
            yield Status(one, "CANCELLED", self._today, reason_code="CANI")

    def _settle(self, one: Instruction) -> Status | None:
        before = self._before(one.instruction_id)
        if not self._is_matched(one):
            return self._failed(one, before, "DMON")
        rest, rest_amount = one.quantity - before.quantity, one.amount - before.amount
        is_new = before.quantity == 0 and not before.dates_failed
        is_ordinary = one.function == "NEWM"
        if is_ordinary and is_new and one.luck < _FAILS_BELOW:
            return self._failed(one, before, "CMON" if one.quantity < 0 else "CLAC")
        if before.dates_failed and self._sessions_since(before.dates_failed[0]) < 1 + one.luck % 2:
            return None
        if self._is_lacking(one, rest):
            return self._failed(one, before, "LACK")
        if is_ordinary and is_new and _FAILS_BELOW <= one.luck < _SPLITS_BELOW:
            half = Decimal(int(one.quantity / 2))
            if half:
                amount = (one.amount * half / one.quantity).quantize(CENT, ROUND_HALF_EVEN)
                return Status(one, "PARTIAL", self._today, half, amount)
        return Status(one, "SETTLED", self._today, rest, rest_amount)

    def _failed(self, one: Instruction, before: Progress, reason: str) -> Status | None:
        # A fail is reported when it happens; while it lasts there is nothing new to say.
        return None if before.dates_failed else Status(one, "FAILED", self._today, reason_code=reason)

    def _sessions_since(self, day: date) -> int:
        return sum(1 for session in self._sessions if day < session <= self._today)
