"""How a report becomes a file: templates with escaping on, and a write that readers never see half done."""

import os
import secrets
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from posttrade.reports import formats

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def long_day(day: date) -> str:
    """A date as a person says it, whatever the locale of the machine: Monday, 5 January 2026."""
    return f"{WEEKDAYS[day.weekday()]}, {day.day} {MONTHS[day.month - 1]} {day.year}"


def day_month(day: date) -> str:
    """A date for the axis of a chart: 5 Jan."""
    return f"{day.day} {MONTHS[day.month - 1][:3]}"


def words(code: str) -> str:
    """A code as words: back_office becomes back office."""
    return code.replace("_", " ").lower()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("posttrade.reports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        money=formats.money,
        signed_money=formats.signed_money,
        compact_money=formats.compact_money,
        quantity=formats.quantity,
        tone=formats.tone,
        counted=formats.counted,
        long_day=long_day,
        day_month=day_month,
        words=words,
    )
    return environment


def render(template: str, **context: object) -> str:
    """Renders a template of this package with the style sheet inlined; every value is escaped."""
    environment = _environment()
    source, _, _ = PackageLoader("posttrade.reports", "templates").get_source(environment, "style.css")
    return environment.get_template(template).render(style=Markup(source), **context)


def write_atomically(path: Path, content: str) -> Path:
    """Writes a file so that a reader sees the old or the new content, never a part of it.

    Args:
        path: the file; its folders are made.
        content: written as UTF-8.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with draft.open("x", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path
