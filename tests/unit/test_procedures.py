"""The procedures: what they say, and how an error in one is reported."""

import shutil
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import ValidationError

from posttrade.domain.stated_bonds import Interest
from posttrade.errors import PosttradeError
from posttrade.messages.contracts import CONTRACTS
from posttrade.procedures.schema import (
    FOLDER,
    EventType,
    LedgerAccount,
    Procedure,
    load_chart_of_accounts,
    load_procedures,
    load_settlement_cycles,
    traded_product_lines,
)

INCOME = {EventType.INCOME, EventType.INCOME_CASH, EventType.CLIENT_DUE, EventType.PAYMENT}
DELIVERED, PAID_ON_A_DATE = {EventType.TRADE, EventType.SETTLEMENT}, {EventType.TRADE, EventType.VALUE_DATE}
VALUED, EVENTS = {EventType.REVALUATION}, {EventType.CORPORATE_ACTION, EventType.CORPORATE_ACTION_CASH}
# What happens to instruments of a line; the others pay income, are delivered, valued and subject to events.
POSTED = {
    "bond_zero": DELIVERED | VALUED | EVENTS,
    "deposit": PAID_ON_A_DATE | VALUED | EVENTS | INCOME,
    "future": {EventType.TRADE, EventType.VARIATION_MARGIN, EventType.VARIATION_MARGIN_CASH},
    "fx_forward": PAID_ON_A_DATE | VALUED | {EventType.MATURITY},
    "fx_spot": PAID_ON_A_DATE,
    "option": DELIVERED | VALUED | EVENTS,
    "repo": PAID_ON_A_DATE | VALUED | EVENTS | INCOME,
    "repo_open": PAID_ON_A_DATE | VALUED | EVENTS | INCOME,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "procedures"))


def change(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def procedure(product_line: str) -> Procedure:
    return next(one for one in load_procedures() if one.product_line == product_line)


def test_bonds_are_priced_in_percent_and_accrue() -> None:
    bonds, shares = procedure("bond_fixed").valuation, procedure("equity").valuation
    assert (bonds.price_divisor, bonds.accrues_interest) == (Decimal(100), True)
    assert (shares.price_divisor, shares.accrues_interest) == (Decimal(1), False)


@pytest.mark.parametrize("product_line", traded_product_lines())
def test_every_event_of_a_product_line_is_posted(product_line: str) -> None:
    posted = {rule.event_type for rule in procedure(product_line).posting_rules}
    assert posted == POSTED.get(product_line, DELIVERED | VALUED | EVENTS | INCOME)


def test_every_open_claim_can_be_closed() -> None:
    """A balance sheet account of a settlement is debited by one rule and credited by another."""
    for product_line in traded_product_lines():
        rules = procedure(product_line).posting_rules
        debits, credits = {rule.debit for rule in rules}, {rule.credit for rule in rules}
        claims = {"trade_settlement", "income_receivable", "margin_receivable", "client_payable", "fx_position"}
        assert claims & debits == claims & credits, product_line
        assert claims & debits


def test_only_money_and_claims_are_monetary() -> None:
    monetary = {account for account, entry in load_chart_of_accounts().items() if entry.is_monetary}
    assert monetary == {"cash", "trade_settlement", "income_receivable", "margin_receivable", "client_payable", "fx_revaluation"}


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"type": "expense", "is_monetary": False}, "an account of type expense needs a component; got None"),
        ({"type": "asset", "is_monetary": True, "component": "fx"}, "an account of type asset has no component; got fx"),
        ({"type": "income", "is_monetary": True, "component": "fx"}, "an account of income or expense is not monetary"),
        ({"type": "income", "is_monetary": False, "component": "luck"}, "Input should be 'trading', 'accrual', 'fx', 'income' or 'fees'"),
    ],
)
def test_a_result_account_and_no_other_has_a_component(stated: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        LedgerAccount.model_validate({"name": "Account"} | stated)


def test_every_term_that_a_procedure_requires_is_a_column() -> None:
    columns = {column.name for column in CONTRACTS["instruments"].columns}
    for one in load_procedures():
        assert set(one.required_terms) <= columns, one.product_line
        needed = {"issue_date"} if one.bond and one.bond.interest is Interest.OPEN else {"issue_date", "maturity_date"}
        assert needed <= set(one.required_terms) or one.bond is None


def test_a_later_procedure_holds_from_its_date(folder: Path) -> None:
    later = folder / "equity_2027.yaml"
    shutil.copy(folder / "equity.yaml", later)
    change(later, "2000-01-01", "2027-01-01")
    lines = [one for one in load_procedures(folder) if one.product_line == "equity"]
    assert [one.valid_from for one in lines] == [date(2000, 1, 1), date(2027, 1, 1)]


@pytest.mark.parametrize(
    ("file", "before", "after", "told"),
    [
        ("equity.yaml", "price_divisor: 1 ", "price_divisor: zero ", "equity.yaml: valuation.price_divisor is 'zero'"),
        ("equity.yaml", "outlier_move: 0.20", "outlier_move: 0", "checks.outlier_move is 0; expected greater than 0"),
        ("equity.yaml", "debit: cash", "debit: kash", "account 'kash'; expected one of chart_of_accounts.yaml"),
        ("equity.yaml", "name: Cash equities", "", "equity.yaml: name is missing; expected a value"),
        ("equity.yaml", "event_type: TRADE", "event_type: SALE", "rules.0.event_type is 'SALE'; expected 'TRADE'"),
        ("equity.yaml", "amount_type: fee", "amount_type: gross", "posting rule TRADE/gross is stated twice"),
        ("future.yaml", "is_delivered: false", "is_delivered: true ", "what is delivered neither settles daily nor exchanges currencies"),
        ("fx_spot.yaml", "exchanges_currencies: true", "exchanges_currencies: true\n  exchanges_at_maturity: true", "expected one of them"),
        ("cash.yaml", "product_line: cash", "product_line: equity", "valid_from is 2000-01-01, the same as in"),
        ("equity.yaml", "valuation:", "valuation: [", "equity.yaml is not valid YAML"),
    ],
)  # fmt: skip
def test_an_error_names_file_path_value_and_expectation(folder: Path, file: str, before: str, after: str, told: str) -> None:
    change(folder / file, before, after)
    with pytest.raises(PosttradeError) as caught:
        load_procedures(folder)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("{cycle: canada}", "{cycle: kanada}", "market XTSE names the unknown cycle 'kanada'"),
        ("2024-05-28", "2014-05-28", "must name its lines in order of valid_from"),
        ("days: 3", "days: soon", "cycles.united_states.0.days is 'soon'; expected a valid integer"),
        ("USD/TRY:", "USDTRY:", "spot names 'USDTRY'; expected two of its currencies, such as USD/CAD"),
        ("[TARGET]", "[TARGED]", "EUR has 'TARGED', which is no bank calendar; expected some of TARGET"),
        ("US-FEDERAL-RESERVE", "FED", "markets.XNYS.bank_calendar: 'FED' is no bank calendar; expected one of TARGET, US-FEDERAL-RESERVE"),
    ],
)  # fmt: skip
def test_an_error_in_the_settlement_cycles_is_named(folder: Path, before: str, after: str, told: str) -> None:
    change(folder / "settlement_cycles.yaml", before, after)
    with pytest.raises(PosttradeError) as caught:
        load_settlement_cycles(folder)
    assert told in str(caught.value)
