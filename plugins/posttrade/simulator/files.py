"""How the simulated world writes its files: the inbox contracts, control totals, and nothing half-written."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from posttrade.errors import PosttradeError

COLUMNS: dict[str, tuple[str, ...]] = {
    "firms": ("firm_id", "name", "lei", "base_currency_code", "home_calendar"),
    "desks": ("desk_id", "name"),
    "books": ("book_id", "name", "desk_id", "loss_limit_amount", "position_limit_amount"),
    "traders": ("trader_id", "name", "desk_id"),
    "clients": ("client_id", "name", "lei", "country_code", "iban", "bic"),
    "counterparties": ("counterparty_id", "name", "lei", "bic", "role"),
    "accounts": ("account_id", "name", "client_id", "custodian_id", "account_type"),
    "lot_methods": ("account_id", "valid_from", "lot_method"),
    "allocations": ("block_trade_id", "version", "allocation_no", "account_id", "quantity"),
    "cash_accounts": ("cash_account_id", "bank_id", "currency_code", "iban"),
    "standing_instructions": (
        "account_id", "currency_code", "place_of_settlement_bic", "custody_account_number", "cash_account_id",
    ),
    "withholding_rates": ("account_id", "issuer_country_code", "income_type", "rate"),
    "instruments": (
        "instrument_id", "isin", "name", "product_line", "currency_code", "market_mic", "issuer_country_code",
        "coupon_rate", "coupon_frequency", "day_count", "issue_date", "first_coupon_date", "maturity_date",
        "last_coupon_date", "stub", "is_month_end", "accrual_convention", "payment_convention", "business_calendar", "ex_coupon_days",
        "ex_coupon_calendar", "accrued_decimals", "step_rates", "index_name", "spread", "rate_cap", "rate_floor", "fixing_days",
        "contract_size", "expiry_date", "option_type", "strike_price", "underlying_instrument_id", "notional_currency_code",
        "lookback_days", "is_observation_shifted", "lockout_days", "payment_delay_days", "rate_decimals",
    ),
    "prices": ("instrument_id", "price_date", "price", "currency_code"),
    "forward_rates": ("notional_currency_code", "currency_code", "rate_date", "value_date", "rate"),
    "discount_factors": ("currency_code", "factor_date", "value_date", "factor"),
    "open_deal_terms": ("instrument_id", "valid_from", "deal_state", "rate"),
    "index_fixings": ("index_name", "fixing_date", "rate"),
    "bond_repayments": ("instrument_id", "repayment_date", "repaid_percent"),
    "fx_rates": ("currency_code", "base_currency_code", "rate_date", "rate"),
    "corporate_actions": (
        "event_id", "instrument_id", "event_type", "event_status", "ex_date", "record_date", "pay_date",
        "amount_per_unit", "currency_code", "new_units", "old_units", "account_id", "redeemed_fraction", "fraction_price",
        "received_instrument_id", "cost_fraction", "book_id", "exercised_quantity", "announcement_no",
    ),
    "custodian_positions": ("custodian_id", "account_id", "instrument_id", "statement_date", "settled_quantity"),
    "bank_balances": ("cash_account_id", "statement_date", "closing_balance_amount", "currency_code"),
    "collateral_movements": (
        "movement_id", "deal_instrument_id", "book_id", "account_id", "instrument_id", "movement_date", "quantity",
    ),
    "settlement_statuses": (
        "status_id", "instruction_id", "status", "status_date", "settled_quantity", "settled_amount", "reason_code",
    ),
    "trades": (
        "trade_id", "version", "event_type", "execution_id", "trade_date", "executed_at", "source_sequence",
        "settlement_date", "book_id", "account_id", "trader_id", "counterparty_id", "instrument_id", "side",
        "quantity", "price", "currency_code", "fee_amount",
    ),
}  # fmt: skip
"""Columns of each kind of inbox file, in the order of its table."""

_BUFFERED_LINES = 20_000


class LineFile:
    """A text file that appears under its name only when it is complete.

    Args:
        path: where the complete file will lie.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._file = self._temporary.open("w", encoding="utf-8", newline="")
        self._lines: list[str] = []

    def write(self, line: str) -> None:
        """Adds one line; `line` carries no line end."""
        self._lines.append(line)
        if len(self._lines) >= _BUFFERED_LINES:
            self._flush()

    def close(self) -> None:
        """Puts the file under its name."""
        self._flush()
        self._file.close()
        self._temporary.replace(self._path)

    def _flush(self) -> None:
        if self._lines:
            self._file.write("\n".join(self._lines) + "\n")
            self._lines.clear()


def write_csv(folder: Path, kind: str, rows: Iterable[Sequence[Any]], name: str = "") -> None:
    """Writes `<kind>.csv`, or `<name>.csv`, with its header and a control line that states the number of rows; None is an empty field."""
    output = LineFile(folder / f"{name or kind}.csv")
    output.write(",".join(COLUMNS[kind]))
    count = 0
    for row in rows:
        output.write(",".join(_quoted("" if value is None else str(value)) for value in row))
        count += 1
    output.write(f"#control,rows,{count}")
    output.close()


def _quoted(text: str) -> str:
    if "," in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text


def write_text(path: Path, text: str) -> None:
    """Writes a whole file at once."""
    output = LineFile(path)
    output.write(text)
    output.close()


def read_csv(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and fields of each row of a CSV file; control lines are passed over."""
    with path.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        for row in reader:
            first_field = next(iter(row.values()), None)
            if first_field is not None and first_field.startswith("#"):
                continue
            if None in row or None in row.values():
                raise PosttradeError(
                    f"{path}, line {reader.line_num}: the row does not have the {len(reader.fieldnames or ())} fields of the header.",
                    "Deliver the file again.",
                )
            yield reader.line_num, row


def decimal_field(path: Path, line_no: int, row: dict[str, str], field: str) -> Decimal:
    """The number in a field, or an error that says where it stands."""
    value = text_field(path, line_no, row, field)
    try:
        number = Decimal(value)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise PosttradeError(f"{path}, line {line_no}: {field} is {value!r}, expected a number.", "Deliver the file again.")
    return number


def date_field(path: Path, line_no: int, row: dict[str, str], field: str) -> date:
    """The ISO date in a field, or an error that says where it stands."""
    value = text_field(path, line_no, row, field)
    try:
        return date.fromisoformat(value)
    except ValueError as problem:
        raise PosttradeError(
            f"{path}, line {line_no}: {field} is {value!r}, expected a date such as 2026-01-05.",
            "Deliver the file again.",
        ) from problem


def text_field(path: Path, line_no: int, row: dict[str, str], field: str) -> str:
    """The text in a field, or an error if the file has no such column."""
    value = row.get(field)
    if value is None:
        raise PosttradeError(f"{path}, line {line_no}: the column {field} is missing.", "Deliver the file again.")
    return value


def plain(number: Decimal) -> str:
    """A number without exponent and without trailing zeros."""
    text = f"{number:f}"
    return (text.rstrip("0").rstrip(".") or "0") if "." in text else text
