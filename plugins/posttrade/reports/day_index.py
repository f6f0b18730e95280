"""The page that links the reports of all days and the generated documentation."""

import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from posttrade.reports.end_of_day import REPORT_NAME
from posttrade.reports.rendering import render, write_atomically
from posttrade.settings import get_settings


def reported_days() -> list[date]:
    """Business dates that have a report, newest first."""
    found = []
    for report in get_settings().reports.glob(f"*/{REPORT_NAME}"):
        try:
            found.append(date.fromisoformat(report.parent.name))
        except ValueError:
            continue
    return sorted(found, reverse=True)


def write_day_index(documents: Mapping[str, Path]) -> Path:
    """Writes `<reports>/index.html`.

    Args:
        documents: title and file of further pages; those that do not exist are left out.
    """
    reports = get_settings().reports
    links = [(title, Path(os.path.relpath(path, reports)).as_posix()) for title, path in documents.items() if path.is_file()]
    return write_atomically(reports / "index.html", render("index.html.j2", days=reported_days(), documents=links))
