"""The file contracts, the tables and the documentation say the same."""

import re
from pathlib import Path

import pytest

from posttrade.domain.bonds import DAY_COUNTS
from posttrade.messages.contracts import CONTRACTS, REFERENCE_CONTRACTS, TRADES, CheckDigits, Contract
from posttrade.messages.csv_files import read_csv
from posttrade.records.checks import has_valid_check_digits
from posttrade.records.rules import ERRORS_BY_ITSELF, ERRORS_BY_RECORD
from posttrade.settings import repository_root

DDL = "\n".join(path.read_text() for path in sorted((repository_root() / "plugins/posttrade/records/migrations/sql").glob("*.sql")))
PROVENANCE = {"business_date", "revision", "content_sha", "file_id", "line_no", "known_at"}
RESTATABLE = [contract for contract in CONTRACTS.values() if contract is not TRADES]


def _definition(table: str) -> str:
    """The columns of a table as created and as added later."""
    without_comments = re.sub(r"--.*", "", DDL)
    added = re.findall(rf"alter table {re.escape(table)}\n    add column (.*?);", without_comments, re.DOTALL)
    created = without_comments.split(f"create table {table} (", 1)[1].split("\n);", 1)[0]
    return ", ".join([created, *(one.replace("add column", "") for one in added)])


def _columns_of_table(table: str) -> list[str]:
    body = re.sub(r"\((?:[^()]|\([^()]*\))*\)", "", _definition(table))
    names = [words[0] for part in body.split(",") if (words := part.split())]
    return [name for name in names if name not in PROVENANCE | {"primary", "check"}]


@pytest.mark.parametrize("contract", RESTATABLE, ids=lambda contract: contract.kind)
def test_columns_of_a_contract_are_those_of_its_table(contract: Contract) -> None:
    assert [column.name for column in contract.columns] == _columns_of_table(contract.table)


def test_a_trade_file_has_the_columns_of_a_trade_version_and_the_side() -> None:
    of_table = [name for name in _columns_of_table(TRADES.table) if name not in {"source_system", "is_block", "block_trade_id"}]
    assert sorted(column.name for column in TRADES.columns if column.name != "side") == sorted(of_table)


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.kind)
def test_a_value_that_passes_fits_its_column(contract: Contract) -> None:
    body = _definition(contract.table)
    for column in contract.columns:
        if column.name != "side":
            assert re.search(rf"\b{column.name} {re.escape(column.type.value)}(?![\w(])", body), column.name


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.kind)
def test_the_documentation_names_every_column_and_what_it_may_hold(contract: Contract) -> None:
    document = (repository_root() / "docs/file-contracts.md").read_text()
    lines = document.split(f"### `{contract.kind}`", 1)[1].split("```csv", 1)[0].splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| `")]
    assert [(row[0], row[2]) for row in table] == [(f"`{column.name}`", "yes" if column.is_required else "") for column in contract.columns]
    for row, column in zip(table, contract.columns, strict=True):
        decimals = re.search(r",(\d+)\)", column.type.value)
        assert not decimals or row[1] == f"number, {decimals[1]} decimals"
        assert all(f"`{value}`" in row[3] for value in column.allowed)


def test_the_day_counts_are_those_that_the_bonds_know() -> None:
    assert CONTRACTS["instruments"].column("day_count").allowed == DAY_COUNTS


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.kind)
def test_the_example_of_the_documentation_is_a_file_of_its_kind(contract: Contract, tmp_path: Path) -> None:
    document = (repository_root() / "docs/file-contracts.md").read_text()
    example = document.split(f"### `{contract.kind}`", 1)[1].split("```csv\n", 1)[1].split("```", 1)[0]
    path = tmp_path / f"{contract.kind}.csv"
    path.write_text(example)
    source = read_csv(path, contract)
    assert source.columns in contract.orders
    assert list(source.rows)


@pytest.mark.parametrize(
    ("kind", "value", "is_valid"),
    [
        (CheckDigits.ISIN, "US0378331005", True),
        (CheckDigits.ISIN, "US0378331006", False),
        (CheckDigits.ISIN, "FR1234567111", False),
        (CheckDigits.LEI, "5493001KJTIIGC8Y1R12", True),
        (CheckDigits.LEI, "5493001KJTIIGC8Y1R13", False),
        (CheckDigits.BIC, "DEUTDEFF", True),
        (CheckDigits.BIC, "DEUTDE", False),
        (CheckDigits.IBAN, "GB82WEST12345698765432", True),
        (CheckDigits.IBAN, "GB82WEST12345698765433", False),
    ],
)
def test_identifiers_prove_themselves(kind: CheckDigits, value: str, is_valid: bool) -> None:
    assert has_valid_check_digits(value, kind) is is_valid


def test_rules_are_those_of_a_kind_of_file_and_name_its_columns() -> None:
    for rules in (ERRORS_BY_ITSELF, ERRORS_BY_RECORD):
        assert set(rules) <= set(CONTRACTS)
        for kind, errors in rules.items():
            assert {error.split(":")[1] for _, error in errors} <= {column.name for column in CONTRACTS[kind].columns}, kind


def test_reference_data_alone_does_not_begin_a_business_date() -> None:
    left_out = DDL.split("create view operations.business_dates_begun", 1)[1].split("kind not in (", 1)[1].split(")", 1)[0]
    assert set(re.findall(r"'(\w+)'", left_out)) == {contract.kind for contract in REFERENCE_CONTRACTS}
