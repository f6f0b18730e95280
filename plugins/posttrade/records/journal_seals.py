"""The seals of the journal: made by each posting run that writes, and looked over by whoever doubts."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import groupby

import sqlalchemy
from sqlalchemy import text


class Fault(StrEnum):
    """What can be wrong with a sealed journal."""

    SEAL_MISSING = "SEAL_MISSING"
    SEAL_CHANGED = "SEAL_CHANGED"
    CHAIN_CUT = "CHAIN_CUT"
    SEAL_CONTENT = "SEAL_CONTENT"
    ENTRY_CHANGED = "ENTRY_CHANGED"
    ENTRY_REMOVED = "ENTRY_REMOVED"
    ENTRY_UNSEALED = "ENTRY_UNSEALED"
    ENTRY_UNBALANCED = "ENTRY_UNBALANCED"


_SENTENCES = {
    Fault.SEAL_MISSING: "Seal {seal_no} is missing.",
    Fault.SEAL_CHANGED: "Seal {seal_no} of {business_date} was changed: its hash is not that of what it says.",
    Fault.CHAIN_CUT: "Seal {seal_no} of {business_date} does not stand on the seal before it.",
    Fault.SEAL_CONTENT: "The record of what seal {seal_no} of {business_date} holds was changed.",
    Fault.ENTRY_CHANGED: "{entry} of {business_date} was changed after seal {seal_no}: {lines_sealed} lines sealed, {lines_found} found.",
    Fault.ENTRY_REMOVED: "{entry} of {business_date} was removed after seal {seal_no}: {lines_sealed} lines sealed.",
    Fault.ENTRY_UNSEALED: "{entry} of {business_date} stands in no seal: it was not written by a posting run.",
    Fault.ENTRY_UNBALANCED: "{entry} of {business_date} does not balance.",
}


WHAT_TO_DO = (
    "What to do: pay and deliver nothing, change nothing, keep a copy of the database as it is, and compare the entries named here"
    " with the last backup: docs/operations.md, 'The journal chain is broken'."
)


@dataclass(frozen=True)
class JournalFault:
    """One thing that no longer is as it was sealed."""

    fault: Fault
    seal_no: int | None
    business_date: date | None
    entry_id: str | None = None
    event_id: str | None = None
    lines_sealed: int | None = None
    lines_found: int | None = None

    @property
    def sentence(self) -> str:
        """What is wrong, in words."""
        entry = f"Entry {self.entry_id}" + (f" ({self.event_id})" if self.event_id else "")
        return _SENTENCES[self.fault].format(**vars(self), entry=entry)


@dataclass(frozen=True)
class Verdict:
    """What became of the journal since it was sealed."""

    entry_count: int
    seal_count: int
    last_date: date | None
    last_seal_hash: str | None
    faults: tuple[JournalFault, ...]
    holds_known_seal: bool = True

    @property
    def is_intact(self) -> bool:
        """Whether every entry and every seal is as it was made."""
        return not self.faults and self.holds_known_seal

    def lines(self, listed: int | None = None) -> list[str]:
        """The verdict in words.

        Args:
            listed: as many faults of each seal are told one by one; None tells all.
        """
        if self.is_intact:
            intact = f"journal intact: {self.entry_count:,} entries in {self.seal_count:,} seals"
            if self.last_date is None:
                return [intact]
            return [f"{intact} up to {self.last_date}", f"last seal: {self.last_seal_hash}"]
        lines = ["The journal is not as it was sealed."]
        if not self.holds_known_seal:
            lines.append("No seal has the hash you noted: seals were taken away or made anew.")
        for seal_no, faults in groupby(self.faults, key=lambda one: one.seal_no):
            of_seal = list(faults)
            lines.append(f"Seal {seal_no}:" if seal_no is not None else "In no seal, or out of balance:")
            lines += [f"  {one.sentence}" for one in of_seal[:listed]]
            if listed is not None and len(of_seal) > listed:
                lines.append(f"  ... and {len(of_seal) - listed:,} more.")
        return [*lines, WHAT_TO_DO]


def seal_entries(connection: sqlalchemy.Connection, business_date: date) -> int:
    """Seal the entries that the caller's transaction has written; without any there is no seal.

    Args:
        connection: of the poster, in the transaction that wrote the entries and holds the posting lock; without savepoints.
        business_date: the date they were posted in.

    Returns:
        The number of entries in the seal.
    """
    sealed = connection.scalar(
        text("select ledger.seal_entries(:business_date, pg_current_xact_id()::xid)"), {"business_date": business_date}
    )
    return int(sealed or 0)


def verify_journal(connection: sqlalchemy.Connection, known_seal_hash: str | None = None) -> Verdict:
    """Work out every hash anew and compare it with what was sealed; look for entries that do not balance.

    Args:
        connection: of a role that reads the ledger.
        known_seal_hash: hexadecimal, as noted outside the database at an earlier time; it must still be in the chain. Only this
            shows that the chain was not made anew from some seal on.
    """
    counts = connection.execute(text(COUNTS), {"known": known_seal_hash}).one()
    return Verdict(
        entry_count=counts.entry_count,
        seal_count=counts.seal_count,
        last_date=counts.last_date,
        last_seal_hash=counts.last_seal_hash,
        faults=tuple(
            JournalFault(Fault(row.fault), row.seal_no, row.business_date, row.entry_id, row.event_id, row.lines_sealed, row.lines_found)
            for row in connection.execute(text(FAULTS))
        ),
        holds_known_seal=known_seal_hash is None or counts.holds_known_seal,
    )


COUNTS = """
select
    (select count(*) from ledger.journal_entries) as entry_count, count(*) as seal_count, max(business_date) as last_date,
    (select encode(seal_hash, 'hex') from ledger.journal_seals order by seal_no desc limit 1) as last_seal_hash,
    coalesce(bool_or(encode(seal_hash, 'hex') = lower(:known)), false) as holds_known_seal
from ledger.journal_seals
"""

FAULTS = """
with unbalanced as (
    select entry_id, min(business_date) as business_date
    from (
        select entry_id, currency_code, min(business_date) as business_date, sum(amount) as amount, sum(amount_base) as amount_base
        from ledger.journal_lines
        group by entry_id, currency_code
    ) as by_currency
    group by entry_id
    having bool_or(amount <> 0) or sum(amount_base) <> 0
),
faults as (
    select * from ledger.journal_faults('-infinity', 'infinity')
    union all
    select 'ENTRY_UNBALANCED', null, business_date, entry_id, null, null from unbalanced
)
select
    faults.fault, faults.seal_no, faults.business_date, faults.entry_id::text as entry_id, entries.event_id, faults.lines_sealed,
    faults.lines_found
from faults
left join ledger.journal_entries as entries on faults.entry_id = entries.entry_id
order by faults.seal_no, faults.business_date, entries.event_id, faults.entry_id, faults.fault
"""
