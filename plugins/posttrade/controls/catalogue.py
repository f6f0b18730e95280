"""Every control of the firm, as data.

A control is a question with an expected answer ("no book beyond its loss limit"), asked for one business date. The catalogue is
what the Great Expectations suites, the alerts and the page `docs/controls.md` are made from; nothing is said twice.

Queries read only what was booked up to the date under control, so that asking again about an old date gives the old answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from string import Formatter
from typing import Any


class Suite(StrEnum):
    """When a group of controls is asked: after recording, after the derivations, after posting."""

    LANDING = "landing"
    BOOKS = "books"
    LEDGER = "ledger"


class Severity(StrEnum):
    """What a failure means: nothing leaves the house (critical), somebody acts (warning), it is noted (info)."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Owner(StrEnum):
    """Who acts on an alert."""

    FRONT_OFFICE = "front_office"
    MIDDLE_OFFICE = "middle_office"
    BACK_OFFICE = "back_office"
    DATA_ENGINEERING = "data_engineering"


@dataclass(frozen=True)
class Control:
    """One control.

    Args:
        control_id: stable name; alerts and results are kept under it.
        suite: when it is asked.
        severity: what a failure means.
        owner: who acts.
        statement: the sentence that is true when the control passes.
        message: what an alert says; braces name columns of the failing row.
        remedy: what the owner does.
        keys: columns of a failing row that identify the cause; an alert is raised once per cause and business date.
        failing_rows: a SELECT of the failing rows; `today.business_date` is the date under control.
        product_line: `all`, or the product line it is about.
    """

    control_id: str
    suite: Suite
    severity: Severity
    owner: Owner
    statement: str
    message: str
    remedy: str
    keys: tuple[str, ...]
    failing_rows: str
    product_line: str = "all"

    @property
    def query(self) -> str:
        """The query with its batch, `{batch}`: one row that holds the business date."""
        body = " ".join(self.failing_rows.split())
        return f"with today as (select business_date from {{batch}}) {body}"

    def cause_key(self, row: Mapping[str, Any]) -> str:
        """The failing row's key in readable form: `book_id=EQ_US|instrument_id=...`."""
        return "|".join(f"{key}={_text(key, row[key])}" for key in self.keys)

    def alert_message(self, row: Mapping[str, Any]) -> str:
        """The sentence of the alert for one failing row."""
        return _MessageFormatter().vformat(self.message, (), row)


class _MessageFormatter(Formatter):
    """Fills `{column}` with the value as a person writes it."""

    def get_field(self, field_name: str, args: Any, kwargs: Mapping[str, Any]) -> tuple[str, str]:  # noqa: ARG002 - Formatter's own signature
        return _text(field_name, kwargs[field_name], grouped=True), field_name


def _text(column: str, value: Any, *, grouped: bool = False) -> str:
    if value is None:
        return "-"
    if isinstance(value, Decimal):
        digits = value.normalize()
        exponent = digits.as_tuple().exponent
        is_money = "_amount" in column
        if is_money and isinstance(exponent, int) and exponent > -2:
            digits = digits.quantize(Decimal("0.01"))
        return format(digits, ",f" if grouped else "f")
    return str(value)


def all_controls() -> tuple[Control, ...]:
    """Every control, suite by suite."""
    from posttrade.controls.suites import CONTROLS

    return CONTROLS


def controls_of(suite: Suite) -> tuple[Control, ...]:
    """The controls of a suite, in the order of the catalogue."""
    return tuple(control for control in all_controls() if control.suite is suite)
