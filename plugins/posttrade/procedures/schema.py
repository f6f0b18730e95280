"""Reads the procedures: one YAML file per product line, checked against the model below."""

import hashlib
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from posttrade.domain.settlement_cycles import SettlementCycle
from posttrade.errors import PosttradeError

FOLDER = Path(__file__).parent
SHARED_FILES = ("settlement_cycles.yaml", "chart_of_accounts.yaml")


class EventType(StrEnum):
    """What the journal posts."""

    TRADE = "TRADE"
    SETTLEMENT = "SETTLEMENT"
    INCOME = "INCOME"
    INCOME_CASH = "INCOME_CASH"
    CLIENT_DUE = "CLIENT_DUE"
    PAYMENT = "PAYMENT"
    REVALUATION = "REVALUATION"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LedgerAccount(_Strict):
    """One account of the chart."""

    name: str
    type: str = Field(pattern="^(asset|liability|equity|income|expense)$")
    is_monetary: bool


class PostingRule(_Strict):
    """The debit and credit account of a positive amount of an event."""

    event_type: EventType
    amount_type: str
    debit: str
    credit: str


class Valuation(_Strict):
    """How a price becomes a value."""

    price_divisor: Decimal = Field(gt=0)
    accrues_interest: bool


class Checks(_Strict):
    """What the controls take as unusual."""

    stale_after_business_days: int = Field(ge=1)
    outlier_move: Decimal = Field(gt=0)


class Procedure(_Strict):
    """How a product line is valued, accounted and checked, from a date on."""

    product_line: str
    valid_from: date
    name: str
    valuation: Valuation
    checks: Checks
    posting_rules: tuple[PostingRule, ...]

    @property
    def content_sha(self) -> str:
        """Changes when anything in the procedure does."""
        return hashlib.md5(self.model_dump_json().encode(), usedforsecurity=False).hexdigest()

    def is_in_force(self, day: date) -> bool:
        """Whether the procedure has begun, and no later one of its line has."""
        lines = [one for one in load_procedures() if one.product_line == self.product_line and one.valid_from <= day]
        return bool(lines) and max(lines, key=lambda one: one.valid_from) == self

    @model_validator(mode="after")
    def _accounts_are_known(self) -> "Procedure":
        chart = load_chart_of_accounts()
        for rule in self.posting_rules:
            for account in (rule.debit, rule.credit):
                if account not in chart:
                    raise ValueError(f"posting rule {rule.event_type}/{rule.amount_type} names the unknown account {account!r}")
        return self


@lru_cache(maxsize=1)
def load_procedures() -> tuple[Procedure, ...]:
    """Every procedure, by product line and date.

    Raises:
        PosttradeError: a file breaks the schema; the message names file, path, value and what was expected.
    """
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.name not in SHARED_FILES)
    return tuple(sorted((_read(path, Procedure) for path in files), key=lambda one: (one.product_line, one.valid_from)))


@lru_cache(maxsize=1)
def load_chart_of_accounts() -> dict[str, LedgerAccount]:
    """The ledger accounts by their id."""
    accounts: dict[str, LedgerAccount] = _read(FOLDER / "chart_of_accounts.yaml", dict[str, LedgerAccount])
    return accounts


@lru_cache(maxsize=1)
def load_settlement_cycles() -> dict[str, tuple[SettlementCycle, ...]]:
    """The settlement cycles of every market, in order of their dates."""
    document = yaml.safe_load((FOLDER / "settlement_cycles.yaml").read_text())
    return {
        market: tuple(sorted((SettlementCycle(**row) for row in rows), key=lambda cycle: cycle.valid_from))
        for market, rows in document["markets"].items()
    }


def _read(path: Path, model: Any) -> Any:
    try:
        return TypeAdapter(model).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise PosttradeError(f"{path.name} is not valid YAML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "the document"
        raise PosttradeError(f"{path.name}: {place} is {first['input']!r}: {first['msg']}.", "Mend the procedure file.") from error
