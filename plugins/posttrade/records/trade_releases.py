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
    """The events that wait for a person, oldest first, with the earliest date stated for their trade."""
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(HELD)).mappings()]


def decide_on_trade(
    trade_id: str, version: int, decision: str, decided_by: str, reason: str, business_date: date, engine: sqlalchemy.Engine
) -> None:
    """Release a trade event into the open date, or refuse it. A release covers the versions before the one released.

    Args:
        trade_id: as on record, `CSV~T-1001`.
        version: the version that waits.
        decision: `RELEASED` or `REFUSED`.
        decided_by: the person; neither the trader nor whoever corrected the row.
        reason: why.
        business_date: the open date, in which a released event is booked.
        engine: of the operator.

    Raises:
        PosttradeError: name or reason is empty, the event does not wait, or the person may not decide on it.
    """
    if decision not in DECISIONS:
        raise ValueError(f"decision is {decision!r}, and must be one of {DECISIONS}")
    if not decided_by.strip() or not reason.strip():
        raise PosttradeError("A trade event is decided on by a person, for a reason.", "Give both with --by and --reason.")
    parameters = {
        "trade_id": trade_id, "version": version, "decision": decision, "decided_by": decided_by.strip(), "reason": reason.strip(),
        "business_date": business_date,
    }  # fmt: skip
    try:
        with refusals_said(), engine.begin() as connection:
            lock_loading(connection)
            connection.execute(text(DECIDE), parameters)
    except IntegrityError as error:
        if type(error.orig).__name__ != "UniqueViolation":
            raise
        raise PosttradeError(f"Version {version} of {trade_id} is decided on already.", "A decision stands.") from error


HELD = """
select
    held.trade_id, held.version, held.event_type, held.business_date, held.last_date_out_of_reach,
    (
        select min(stated.trade_date) from books.trade_versions as stated
        where stated.trade_id = held.trade_id and stated.business_date <= held.business_date
    ) as first_trade_date
from operations.held_trade_events as held
order by held.business_date, held.trade_id, held.version
"""

DECIDE = """
insert into operations.trade_releases (trade_id, version, decision, decided_by, reason, business_date)
values (:trade_id, :version, :decision, :decided_by, :reason, :business_date)
"""
