"""Trade events beyond the posting cut-off: a person releases them into the open date, or refuses them."""

from datetime import date
from typing import Any

import sqlalchemy
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from posttrade.errors import PosttradeError
from posttrade.records.loader import lock_loading
from posttrade.records.refusals import refusals_said

DECISIONS = ("RELEASED", "REFUSED")


def list_held(engine: sqlalchemy.Engine) -> list[dict[str, Any]]:
    """The events that wait for a person, oldest first, with the earliest date stated for their trade.

    An allocation has its `block_trade_id`, and `block_version`: the version of the block that is decided on with it.
    """
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(HELD)).mappings()]


def decide_on_trade(
    trade_id: str, version: int, decision: str, decided_by: str, reason: str, business_date: date, engine: sqlalchemy.Engine
) -> None:
    """Release a trade event into the open date, or refuse it. A release covers the versions before the one released.

    Of a block whose allocations wait, all of them are released or refused together.

    Args:
        trade_id: as on record, `CSV~T-1001`; of a block, its own.
        version: the version that waits; of a block, the one its allocations follow.
        decision: `RELEASED` or `REFUSED`.
        decided_by: the person; neither the trader nor whoever corrected the row.
        reason: why.
        business_date: the open date, in which a released event is booked.
        engine: of the operator.

    Raises:
        PosttradeError: name or reason is empty, the event does not wait, another version of the block does, it is a part of a block, or
            the person may not decide on it.
    """
    if decision not in DECISIONS:
        raise ValueError(f"decision is {decision!r}, and must be one of {DECISIONS}")
    if not decided_by.strip() or not reason.strip():
        raise PosttradeError("A trade event is decided on by a person, for a reason.", "Give both with --by and --reason.")
    parameters = {"decision": decision, "decided_by": decided_by.strip(), "reason": reason.strip(), "business_date": business_date}
    try:
        with refusals_said(), engine.begin() as connection:
            lock_loading(connection)
            events = _events_of_block(connection, trade_id, version) or [(trade_id, version)]
            names, versions = [event[0] for event in events], [event[1] for event in events]
            connection.execute(text(DECIDE), parameters | {"trade_ids": names, "versions": versions})
    except IntegrityError as error:
        if type(error.orig).__name__ != "UniqueViolation":
            raise
        raise PosttradeError(f"Version {version} of {trade_id} is decided on already.", "A decision stands.") from error


def _events_of_block(connection: sqlalchemy.Connection, trade_id: str, version: int) -> list[tuple[str, int]]:
    """What waits of a block: its allocations and, where it was once booked itself, its own events. Nothing where no allocation waits."""
    events = connection.execute(text(HELD_OF_BLOCK), {"trade_id": trade_id, "version": version}).all()
    if not any(event.block_version for event in events):
        return []
    followed = max(event.block_version for event in events if event.block_version)
    if followed != version:
        raise PosttradeError(
            f"The allocations of {trade_id} that wait follow version {followed} of it, not version {version}.",
            "Look at them again: ./posttrade trades held.",
        )
    return [(event.trade_id, event.version) for event in events]


# A block's allocations follow the version of it that is booked; once none is, they are cancelled, as its last version says.
HELD = """
select
    held.trade_id, held.version, held.event_type, held.business_date, held.last_date_out_of_reach,
    (
        select min(stated.trade_date) from books.trade_versions as stated
        where stated.trade_id = held.trade_id and stated.business_date <= held.business_date
    ) as first_trade_date,
    versions.block_trade_id,
    case when versions.block_trade_id is not null then (
        select coalesce(states.booked_version, states.version)
        from books.block_states('infinity', array[versions.block_trade_id]) as states
    ) end as block_version
from operations.held_trade_events as held
inner join books.trade_versions as versions on held.trade_id = versions.trade_id and held.version = versions.version
order by held.business_date, held.trade_id, held.version
"""

HELD_OF_BLOCK = f"""
with held as ({HELD})
select held.trade_id, held.version, held.block_version from held
where held.block_trade_id = :trade_id or (held.trade_id = :trade_id and held.version <= :version)
"""

# Version by version: one that is released before the others of its trade would leave them nothing to wait for.
DECIDE = """
insert into operations.trade_releases (trade_id, version, decision, decided_by, reason, business_date)
select events.trade_id, events.version, :decision, :decided_by, :reason, :business_date
from unnest(cast(:trade_ids as text[]), cast(:versions as integer[])) as events (trade_id, version)
order by events.trade_id, events.version
"""
