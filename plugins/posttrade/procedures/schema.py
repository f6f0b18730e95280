"""Reads the procedures: one YAML file per product line, checked against the model below."""

import hashlib
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator, model_validator

from posttrade.domain.bank_calendars import BANK_CALENDARS
from posttrade.domain.lots import LotMethod
from posttrade.domain.settlement_cycles import MarketSettlement, SettlementCycle
from posttrade.domain.spot_dates import SpotPair, SpotRules
from posttrade.domain.stated_bonds import Interest
from posttrade.errors import PosttradeError

FOLDER = Path(__file__).parent
SHARED_FILES = ("settlement_cycles.yaml", "chart_of_accounts.yaml", "calendars.yaml", "day_counts.yaml", "overnight_indexes.yaml")


class EventType(StrEnum):
    """What the journal posts."""

    TRADE = "TRADE"
    SETTLEMENT = "SETTLEMENT"
    INCOME = "INCOME"
    INCOME_CASH = "INCOME_CASH"
    CLIENT_DUE = "CLIENT_DUE"
    CORPORATE_ACTION = "CORPORATE_ACTION"
    CORPORATE_ACTION_CASH = "CORPORATE_ACTION_CASH"
    VALUE_DATE = "VALUE_DATE"
    MATURITY = "MATURITY"
    VARIATION_MARGIN = "VARIATION_MARGIN"
    VARIATION_MARGIN_CASH = "VARIATION_MARGIN_CASH"
    PAYMENT = "PAYMENT"
    REVALUATION = "REVALUATION"


class CorporateActionType(StrEnum):
    """What corporate_actions.csv can tell of an instrument."""

    CASH_DIVIDEND = "CASH_DIVIDEND"
    SPECIAL_DIVIDEND = "SPECIAL_DIVIDEND"
    SPLIT = "SPLIT"
    REVERSE_SPLIT = "REVERSE_SPLIT"
    STOCK_DIVIDEND = "STOCK_DIVIDEND"
    SPIN_OFF = "SPIN_OFF"
    MERGER = "MERGER"
    RIGHTS_ISSUE = "RIGHTS_ISSUE"
    RIGHTS_EXERCISE = "RIGHTS_EXERCISE"
    RIGHTS_LAPSE = "RIGHTS_LAPSE"
    REDEMPTION = "REDEMPTION"
    CALL = "CALL"
    PARTIAL_REDEMPTION = "PARTIAL_REDEMPTION"
    OPTION_EXERCISE = "OPTION_EXERCISE"
    CASH_EXERCISE = "CASH_EXERCISE"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ResultComponent(StrEnum):
    """What of the management result an account of income or expense is bridged to."""

    TRADING = "trading"
    ACCRUAL = "accrual"
    FX = "fx"
    INCOME = "income"
    FEES = "fees"


class LedgerAccount(_Strict):
    """One account of the chart."""

    name: str
    type: str = Field(pattern="^(asset|liability|equity|income|expense)$")
    is_monetary: bool
    """Held per book and currency and valued at the closing rate."""
    component: ResultComponent | None = None
    """Of income and expense: what of the management result it is compared with."""

    @model_validator(mode="after")
    def _results_are_bridged(self) -> "LedgerAccount":
        is_result = self.type in {"income", "expense"}
        if is_result != (self.component is not None):
            raise ValueError(f"an account of type {self.type} {'needs a' if is_result else 'has no'} component; got {self.component}")
        if is_result and self.is_monetary:
            raise ValueError("an account of income or expense is not monetary; expected is_monetary: false")
        return self


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
    fixed_price: Decimal | None = Field(default=None, gt=0)
    """What every instrument of the line stands at; empty: its market price."""
    has_negative_prices: bool = False
    """Prices and trades may be at zero or below; else a price may be zero, and a trade is above."""


class Settlement(_Strict):
    """How trades and gains of a product line are settled."""

    is_delivered: bool = True
    """Trades are instructed to the custodian, who confirms them."""
    settles_daily: bool = False
    """Gains and losses are paid every day as variation margin, and a trade owes its fee only."""
    exchanges_currencies: bool = False
    """A trade exchanges two amounts and leaves no position."""
    exchanges_at_maturity: bool = False
    """A trade exchanges two amounts on the maturity date of its instrument, and is worth its fair value until then."""

    @model_validator(mode="after")
    def _only_what_is_not_delivered_is_paid_otherwise(self) -> "Settlement":
        ways = (self.settles_daily, self.exchanges_currencies, self.exchanges_at_maturity)
        if self.is_delivered and any(ways):
            raise ValueError("what is delivered neither settles daily nor exchanges currencies; expected is_delivered: false")
        if sum(ways) > 1:
            raise ValueError("what is traded settles daily, exchanges currencies at once or at maturity; expected one of them")
        return self


class Lots(_Strict):
    """How closing trades choose their lots, unless the account has a method of its own."""

    method: LotMethod


class Checks(_Strict):
    """What the controls take as unusual."""

    stale_after_business_days: int = Field(ge=1)
    outlier_move: Decimal = Field(gt=0)


class BondTerms(_Strict):
    """What the bonds of a line pay and how they are repaid."""

    interest: Interest
    is_repaid_in_parts: bool


class Procedure(_Strict):
    """How a product line is valued, accounted and checked, from a date on."""

    product_line: str
    valid_from: date
    name: str
    valuation: Valuation
    bond: BondTerms | None = None
    """Empty for a line that is no bond."""
    required_terms: tuple[str, ...] = ()
    """Columns of instruments.csv that an instrument of the line must fill."""
    corporate_actions: tuple[CorporateActionType, ...] = ()
    """What can happen to an instrument of the line; other events on it are refused."""
    settlement: Settlement = Settlement()
    lots: Lots
    checks: Checks
    posting_rules: tuple[PostingRule, ...]

    @property
    def content_sha(self) -> str:
        """Changes when anything in the procedure does."""
        return hashlib.md5(self.model_dump_json().encode(), usedforsecurity=False).hexdigest()

    def is_in_force(self, day: date) -> bool:
        """Whether the procedure has begun, and no later one of its line has."""
        begun = [one.valid_from for one in load_procedures() if one.product_line == self.product_line and one.valid_from <= day]
        return bool(begun) and max(begun) == self.valid_from

    @property
    def is_traded(self) -> bool:
        """Whether instruments are of this line; cash is none."""
        return any(rule.event_type is EventType.TRADE for rule in self.posting_rules)

    @model_validator(mode="after")
    def _accounts_are_known(self) -> "Procedure":
        chart = load_chart_of_accounts()
        for rule in self.posting_rules:
            for account in (rule.debit, rule.credit):
                if account not in chart:
                    raise ValueError(
                        f"posting rule {rule.event_type}/{rule.amount_type} names the account {account!r}; "
                        "expected one of chart_of_accounts.yaml"
                    )
        events = [(rule.event_type, rule.amount_type) for rule in self.posting_rules]
        twice = next((one for one in events if events.count(one) > 1), None)
        if twice:
            raise ValueError(f"posting rule {twice[0]}/{twice[1]} is stated twice; expected one rule for each amount of an event")
        return self


class _CycleLine(_Strict):
    valid_from: date
    days: int = Field(ge=0, le=10)
    source: str = Field(min_length=1)


class _Market(_Strict):
    cycle: str
    bank_calendar: str | None = None

    @field_validator("bank_calendar")
    @classmethod
    def _bank_calendar_is_known(cls, name: str | None) -> str | None:
        if name is not None and name not in BANK_CALENDARS:
            raise ValueError(f"{name!r} is no bank calendar; expected one of {', '.join(BANK_CALENDARS)}")
        return name


class _SpotPair(_Strict):
    days: int | None = Field(default=None, ge=0, le=10)
    waits_for_every_holiday: bool = False
    source: str = Field(min_length=1)


class _Spot(_Strict):
    days: int = Field(ge=0, le=10)
    never_on_holidays_of: str
    pairs: dict[str, _SpotPair]
    currencies: dict[str, tuple[str, ...]]

    @field_validator("currencies")
    @classmethod
    def _bank_calendars_are_known(cls, currencies: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for currency, calendars in currencies.items():
            unknown = next((name for name in calendars if name not in BANK_CALENDARS), None)
            if unknown or not calendars:
                raise ValueError(f"{currency} has {unknown!r}, which is no bank calendar; expected some of {', '.join(BANK_CALENDARS)}")
        return currencies

    @model_validator(mode="after")
    def _currencies_are_known(self) -> "_Spot":
        for pair in (*self.pairs, f"{self.never_on_holidays_of}/{self.never_on_holidays_of}"):
            unknown = [one for one in pair.split("/") if one not in self.currencies]
            if unknown or pair.count("/") != 1:
                raise ValueError(f"spot names {pair!r}; expected two of its currencies, such as USD/CAD")
        return self


class _SettlementCycles(_Strict):
    cycles: dict[str, tuple[_CycleLine, ...]]
    markets: dict[str, _Market]
    spot: _Spot

    @model_validator(mode="after")
    def _cycles_are_in_order(self) -> "_SettlementCycles":
        for name, lines in self.cycles.items():
            dates = [line.valid_from for line in lines]
            if not dates or dates != sorted(set(dates)):
                raise ValueError(f"cycle {name!r} must name its lines in order of valid_from, one for each date")
        for mic, market in self.markets.items():
            if market.cycle not in self.cycles:
                raise ValueError(f"market {mic} names the unknown cycle {market.cycle!r}")
        return self


@lru_cache(maxsize=8)
def load_procedures(folder: Path = FOLDER) -> tuple[Procedure, ...]:
    """Every procedure, by product line and date. A change is a new file with a later `valid_from`.

    Raises:
        PosttradeError: a file breaks the schema; the message names file, path, value and what was expected.
    """
    found: dict[tuple[str, date], tuple[Path, Procedure]] = {}
    for path in sorted(path for path in folder.glob("*.yaml") if path.name not in SHARED_FILES):
        procedure: Procedure = _read(path, Procedure)
        key = (procedure.product_line, procedure.valid_from)
        if key in found:
            raise PosttradeError(
                f"{path.name}: valid_from is {procedure.valid_from}, the same as in {found[key][0].name} "
                f"for the product line {procedure.product_line!r}; expected another date.",
                "Give the newer procedure the date from which it holds.",
            )
        found[key] = (path, procedure)
    return tuple(procedure for _, (_, procedure) in sorted(found.items(), key=lambda item: item[0]))


@lru_cache(maxsize=1)
def load_chart_of_accounts() -> dict[str, LedgerAccount]:
    """The ledger accounts by their id."""
    accounts: dict[str, LedgerAccount] = _read(FOLDER / "chart_of_accounts.yaml", dict[str, LedgerAccount])
    return accounts


@lru_cache(maxsize=8)
def load_settlement_cycles(folder: Path = FOLDER) -> dict[str, MarketSettlement]:
    """How every market settles, by its MIC.

    Raises:
        PosttradeError: the file breaks the schema.
    """
    document: _SettlementCycles = _read(folder / "settlement_cycles.yaml", _SettlementCycles)
    return {
        mic: MarketSettlement(
            tuple(SettlementCycle(line.valid_from, line.days) for line in document.cycles[market.cycle]),
            market.bank_calendar,
        )
        for mic, market in document.markets.items()
    }


@lru_cache(maxsize=8)
def load_spot_rules(folder: Path = FOLDER) -> SpotRules:
    """When currency pairs dealt for spot are paid.

    Raises:
        PosttradeError: the file breaks the schema.
    """
    document: _SettlementCycles = _read(folder / "settlement_cycles.yaml", _SettlementCycles)
    spot = document.spot
    return SpotRules(
        spot.days,
        spot.never_on_holidays_of,
        {
            frozenset(pair.split("/")): SpotPair(spot.days if stated.days is None else stated.days, stated.waits_for_every_holiday)
            for pair, stated in spot.pairs.items()
        },
        spot.currencies,
    )


def procedures_in_force(day: date) -> dict[str, Procedure]:
    """The procedure of every product line that has begun, by product line."""
    return {one.product_line: one for one in load_procedures() if one.is_in_force(day)}


def latest_procedures() -> dict[str, Procedure]:
    """The procedure of every product line that begins last, by product line."""
    return {one.product_line: one for one in load_procedures()}


def traded_product_lines() -> tuple[str, ...]:
    """The product lines an instrument can be of, in order."""
    return tuple(dict.fromkeys(one.product_line for one in load_procedures() if one.is_traded))


def known_markets() -> tuple[str, ...]:
    """The MICs an instrument can name: those whose settlement is known."""
    return tuple(sorted(load_settlement_cycles()))


def _read(path: Path, model: Any) -> Any:
    try:
        return TypeAdapter(model).validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise PosttradeError(f"{path.name} cannot be read: {error.strerror}.", "Restore the procedure file.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise PosttradeError(f"{path.name} is not valid YAML: {problem}.", "Mend the procedure file.") from error
    except ValidationError as error:
        raise PosttradeError(f"{path.name}: {_first_problem(error)}.", "Mend the procedure file.") from error


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"]) or "the document"
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if first["type"] == "missing":
        return f"{place} is missing; expected a value"
    if first["type"] == "extra_forbidden":
        return f"{place} is {first['input']!r}; expected no field of that name"
    if first["type"] == "value_error":
        return f"{place}: {expected}"
    return f"{place} is {first['input']!r}; expected {expected}"
