"""Every control of the firm, as data.

A control is a question with an expected answer ("no book beyond its loss limit"), asked for one business date. The catalogue is
what the Great Expectations suites, the alerts and the page `docs/controls.md` are made from; nothing is said twice.

Queries run in a database session whose setting `posttrade.business_date` is the date under control, as in the dbt project. Every
query reads only what was booked up to that date, so that asking again about an old date gives the old answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from string import Formatter
from typing import Any

BUSINESS_DATE_SQL = "current_setting('posttrade.business_date')::date"


class Suite(StrEnum):
    """When a group of controls is asked: after recording, after the derivations, after posting."""

    LANDING = "landing"
    BOOKS = "books"
    MARTS_MIDDLE_OFFICE = "marts_middle_office"
    MARTS_BACK_OFFICE = "marts_back_office"
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
class Extract:
    """The rows of a day that column rules are asked about; becomes a query asset of Great Expectations.

    Args:
        name: name of the asset and, after the suite's, of its expectation suite.
        query: a SELECT of the business date's rows.
    """

    name: str
    query: str


@dataclass(frozen=True)
class ColumnRule:
    """A native expectation of Great Expectations over the columns of an extract.

    Args:
        extract: the rows.
        expectation: class name in `great_expectations.expectations`.
        arguments: its arguments, such as column and bounds.
    """

    extract: Extract
    expectation: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Control:
    """One control.

    Args:
        control_id: stable name; alerts and results are kept under it.
        suite: when it is asked.
        severity: what a failure means.
        owner: who acts.
        product_line: `all`, or the product line it is about.
        statement: the sentence that is true when the control passes.
        message: what an alert says; braces name columns of the failing row.
        remedy: what the owner does.
        keys: columns of a failing row that identify the cause; an alert is raised once per cause and business date.
        rule: SQL that returns failing rows and reads `{batch}` (one row, the business date, alias `day`), or a column rule.
        facts: further columns a column rule reports for the message.
    """

    control_id: str
    suite: Suite
    severity: Severity
    owner: Owner
    statement: str
    message: str
    remedy: str
    keys: tuple[str, ...]
    rule: str | ColumnRule
    product_line: str = "all"
    facts: tuple[str, ...] = ()

    @property
    def expectation_suite(self) -> str:
        """Name of the Great Expectations suite, validation definition and checkpoint that hold the control."""
        if isinstance(self.rule, ColumnRule):
            return f"{self.suite}__{self.rule.extract.name}"
        return str(self.suite)

    def cause_key(self, row: Mapping[str, Any]) -> str:
        """The failing row's key in readable form: `book_id=EQ_US|instrument_id=...`."""
        return "|".join(f"{key}={_text(key, row[key])}" for key in self.keys)

    def alert_message(self, row: Mapping[str, Any]) -> str:
        """The sentence of the alert for one failing row."""
        return _MessageFormatter().vformat(self.message, (), row)


class _MessageFormatter(Formatter):
    """Fills `{column}` with the value as a person writes it."""

    def get_field(self, field_name: str, args: Any, kwargs: Mapping[str, Any]) -> tuple[str, str]:
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


def controls_of(*suites: Suite) -> tuple[Control, ...]:
    """The controls of the given suites, in the order of the catalogue."""
    return tuple(control for control in all_controls() if control.suite in suites)
