"""Publishes the day: the report, the documentation of the derivations, the results of the controls."""

from datetime import date

import sqlalchemy

from posttrade.controls.catalogue import all_controls
from posttrade.offices import controls
from posttrade.offices.derivations import run_dbt
from posttrade.reports.end_of_day import write_end_of_day_report


def publish_report(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Write the report of the date; written again from the same facts it is the same."""
    write_end_of_day_report(business_date, engine, {one.control_id: one.remedy for one in all_controls()})
    return {"reports": 1}


def publish_documentation(business_date: date, engine: sqlalchemy.Engine) -> dict[str, int]:
    """Write dbt's documentation as one page and the Data Docs of Great Expectations."""
    run_dbt(["docs", "generate", "--static"], business_date)
    return {"dbt_docs": 1} | controls.publish_documentation(business_date, engine)
