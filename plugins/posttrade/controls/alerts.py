"""The life of an alert: opened once per control, cause and business date, acknowledged, resolved when the cause is gone."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.controls.run import ControlResult
from posttrade.errors import PosttradeError

ROBOT = "posttrade/controls"
ALERT_LOCK = 7_405_050


def update_alerts(suite: str, business_date: date, results: Sequence[ControlResult], engine: sqlalchemy.Engine) -> dict[str, int]:
    """Open an alert for every new failing cause, reopen those that are back, resolve those whose cause is gone.

    Returns:
        `alerts_opened`, `alerts_resolved` and `alerts_reopened`.
    """
    found = []
    for result in results:
        seen = set()
        for row in result.failing_rows:
            cause_key = result.control.cause_key(row)
            if cause_key not in seen:
                seen.add(cause_key)
                found.append(_alert(result, cause_key, row, business_date))
    with engine.begin() as connection:
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": ALERT_LOCK})
        _record_results(connection, suite, business_date, results)
        parameters = {
            "business_date": business_date,
            "controls": [result.control.control_id for result in results],
            "found": [alert["alert_id"] for alert in found],
            "actor": ROBOT,
        }
        reopened = connection.execute(text(REOPEN), parameters).rowcount
        resolved = connection.execute(text(RESOLVE), parameters).rowcount
        opened = 0
        if found:
            known = set(
                connection.scalars(
                    text("select alert_id from operations.alerts where alert_id = any(:found)"), {"found": parameters["found"]}
                )
            )
            new = [alert for alert in found if alert["alert_id"] not in known]
            if new:
                connection.execute(text(OPEN), new)
            opened = len(new)
    return {"alerts_opened": opened, "alerts_resolved": resolved, "alerts_reopened": reopened}


def list_open(engine: sqlalchemy.Engine, business_date: date | None = None) -> list[dict[str, Any]]:
    """The open and acknowledged alerts, the most severe first; of all dates, or one."""
    with engine.connect() as connection:
        rows = connection.execute(text(LIST_OPEN), {"business_date": business_date}).mappings()
        return [dict(row) for row in rows]


def acknowledge(alert_id: str, actor: str, note: str, engine: sqlalchemy.Engine) -> None:
    """Record that a person looks after an alert; it stays open until its cause is gone.

    Raises:
        PosttradeError: there is no such open alert.
    """
    if alert_id not in {row["alert_id"] for row in list_open(engine)}:
        raise PosttradeError(f"No open alert {alert_id}.", "List them with ./posttrade alerts list.")
    with engine.begin() as connection:
        connection.execute(text(ACKNOWLEDGE), {"alert_id": alert_id, "actor": actor, "note": note or None})


def _alert(result: ControlResult, cause_key: str, row: dict[str, Any], business_date: date) -> dict[str, Any]:
    control = result.control
    name = f"{control.control_id}|{cause_key}|{business_date}"
    return {
        "alert_id": hashlib.md5(name.encode(), usedforsecurity=False).hexdigest(),
        "control_id": control.control_id,
        "severity": str(control.severity),
        "owner": str(control.owner),
        "cause_key": cause_key,
        "message": control.alert_message(row),
        "keys": json.dumps({key: str(row[key]) for key in control.keys}),
        "business_date": business_date,
    }


def _record_results(connection: sqlalchemy.Connection, suite: str, business_date: date, results: Sequence[ControlResult]) -> None:
    connection.execute(
        text(RECORD_RESULT),
        [
            {
                "control_id": result.control.control_id,
                "business_date": business_date,
                "suite": suite,
                "severity": str(result.control.severity),
                "is_passed": result.failing_count == 0,
                "failing_count": result.failing_count,
            }
            for result in results
        ],
    )


_LAST_EVENTS = """
last_events as (
    select distinct on (alert_id) alert_id, event, event_no
    from operations.alert_events order by alert_id, event_no desc
)
"""

OPEN = """
insert into operations.alerts (alert_id, control_id, severity, owner, cause_key, message, keys, business_date)
values (:alert_id, :control_id, :severity, :owner, :cause_key, :message, cast(:keys as jsonb), :business_date)
on conflict (alert_id) do nothing
"""

REOPEN = f"""
with {_LAST_EVENTS}
insert into operations.alert_events (alert_id, event_no, event, actor, business_date)
select alert_id, event_no + 1, 'REOPENED', :actor, :business_date
from last_events where event = 'RESOLVED' and alert_id = any(:found)
"""

RESOLVE = f"""
with {_LAST_EVENTS}
insert into operations.alert_events (alert_id, event_no, event, actor, business_date)
select alerts.alert_id, coalesce(last_events.event_no, 0) + 1, 'RESOLVED', :actor, :business_date
from operations.alerts as alerts
left join last_events on alerts.alert_id = last_events.alert_id
where alerts.business_date = :business_date and alerts.control_id = any(:controls)
    and alerts.alert_id <> all(cast(:found as text[])) and last_events.event is distinct from 'RESOLVED'
"""

ACKNOWLEDGE = """
insert into operations.alert_events (alert_id, event_no, event, actor, note, business_date)
select alerts.alert_id, coalesce(max(events.event_no), 0) + 1, 'ACKNOWLEDGED', :actor, :note, alerts.business_date
from operations.alerts as alerts
left join operations.alert_events as events on alerts.alert_id = events.alert_id
where alerts.alert_id = :alert_id
group by alerts.alert_id, alerts.business_date
"""

RECORD_RESULT = """
insert into operations.control_results (control_id, business_date, run_no, suite, severity, is_passed, failing_count)
select :control_id, :business_date, coalesce(max(run_no), 0) + 1, :suite, :severity, :is_passed, :failing_count
from operations.control_results where control_id = :control_id and business_date = :business_date
"""

LIST_OPEN = f"""
with {_LAST_EVENTS}
select alerts.alert_id, alerts.control_id, alerts.severity, alerts.owner, alerts.business_date, alerts.cause_key, alerts.message,
    case last_events.event when 'ACKNOWLEDGED' then 'ACKNOWLEDGED' else 'OPEN' end as alert_status
from operations.alerts as alerts
left join last_events on alerts.alert_id = last_events.alert_id
where last_events.event is distinct from 'RESOLVED'
    and (cast(:business_date as date) is null or alerts.business_date = :business_date)
order by array_position(array['critical', 'warning', 'info'], alerts.severity), alerts.business_date desc, alerts.control_id,
    alerts.cause_key
"""
