"""Asks the controls at the three points of the close; a critical failure blocks what leaves the house, not the report."""

from datetime import date

import sqlalchemy

from posttrade.controls.alerts import update_alerts
from posttrade.controls.catalogue import Severity, Suite
from posttrade.controls.run import build_data_docs, run_suite


def check_landing(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Ask the controls over what arrived."""
    return _check(Suite.LANDING, business_date, engine)


def check_books(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Ask the controls over positions and results."""
    return _check(Suite.BOOKS, business_date, engine)


def check_ledger(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Ask the controls over settlement, payments and the journal."""
    return _check(Suite.LEDGER, business_date, engine)


def publish_documentation(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Build the Data Docs of Great Expectations."""
    build_data_docs(business_date, engine)
    return {"data_docs": 1}


def _check(suite: Suite, business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Returns `controls` asked, those `failed`, failing rows by severity, and what became of the alerts."""
    results = run_suite(suite, business_date, engine)
    counts = {"controls": len(results), "failed": sum(1 for result in results if result.failing_count)}
    for severity in Severity:
        counts[str(severity)] = sum(result.failing_count for result in results if result.control.severity is severity)
    return counts | update_alerts(str(suite), business_date, results, engine)
