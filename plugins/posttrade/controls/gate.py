"""What may leave the house: nothing on top of an open critical alert."""

from datetime import date

import sqlalchemy
from sqlalchemy import text

_OPEN_CRITICAL = """
select alerts.message, alerts.cause_key
from operations.alerts as alerts
where alerts.business_date = :business_date and alerts.severity = 'critical'
    and coalesce((
        select events.event from operations.alert_events as events
        where events.alert_id = alerts.alert_id order by events.event_no desc limit 1
    ), 'REOPENED') <> 'RESOLVED'
order by alerts.control_id, alerts.cause_key
"""


def is_blocked(business_date: date, connection: sqlalchemy.Connection) -> bool:
    """Whether a critical alert of the date is open; acknowledging one does not lift it."""
    return connection.execute(text(_OPEN_CRITICAL), {"business_date": business_date}).first() is not None


def reasons(business_date: date, connection: sqlalchemy.Connection) -> list[str]:
    """The critical alerts that hold things back: sentence and cause of each."""
    rows = connection.execute(text(_OPEN_CRITICAL), {"business_date": business_date})
    return [f"{message} ({cause_key})" for message, cause_key in rows]
