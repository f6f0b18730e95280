"""What the close announces to other DAGs, the firm's own among them."""

from datetime import UTC
from typing import Any

from airflow.sdk import Asset

CLOSED_BUSINESS_DATE = Asset(name="closed_business_date", uri="posttrade://marts/closed_business_date")


def announce_closed_date(context: Any, _result: Any = None) -> None:
    """Put the business date into the asset event of a run that has closed its date."""
    business_date = context["logical_date"].astimezone(UTC).date()
    context["outlet_events"][CLOSED_BUSINESS_DATE].extra = {"business_date": business_date.isoformat()}
