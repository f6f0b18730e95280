"""The bank of the simulated world: moves cash for settled trades, income and payments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from posttrade.errors import PosttradeError
from posttrade.simulator.custodian import Status
from posttrade.simulator.files import date_field, decimal_field, read_csv, text_field


@dataclass(frozen=True)
class Payment:
    """A payment order; `amount` is positive and leaves the cash account."""

    payment_id: str
    cash_account_id: str
    amount: Decimal
    currency_code: str
    pay_date: date


def read_payments(path: Path) -> list[Payment]:
    """The orders of a payments file."""
    return [
        Payment(
            payment_id=text_field(path, line_no, row, "payment_id"),
            cash_account_id=text_field(path, line_no, row, "cash_account_id"),
            amount=decimal_field(path, line_no, row, "amount"),
            currency_code=text_field(path, line_no, row, "currency_code"),
            pay_date=date_field(path, line_no, row, "pay_date"),
        )
        for line_no, row in read_csv(path)
    ]


class Bank:
    """Books one business date.

    Args:
        balances: balance of every cash account at the start of the day; moved by what is booked.
        currencies: currency of every cash account.
    """

    def __init__(self, balances: dict[str, Decimal], currencies: Mapping[str, str]) -> None:
        self._balances = balances
        self._currencies = currencies

    def settle(self, statuses: Iterable[Status]) -> None:
        """Moves the cash of what settled."""
        for status in statuses:
            if status.amount:
                one = status.instruction
                self._move(one.cash_account_id, one.currency_code, status.amount, f"instruction {one.instruction_id}")

    def collect(self, income: Iterable[Mapping[str, Any]]) -> None:
        """Receives dividends and coupons, net of tax."""
        for one in income:
            self._move(one["cash_account_id"], one["currency_code"], Decimal(one["net"]), f"income {one['event_id']}")

    def move(self, flows: Iterable[Mapping[str, Any]]) -> None:
        """Books what is paid without an order of the firm: margin, the cash of events, money lent and currencies exchanged."""
        for one in flows:
            self._move(one["cash_account_id"], one["currency_code"], Decimal(one["amount"]), one["cause"])

    def pay(self, payments: Iterable[Payment]) -> None:
        """Executes payment orders."""
        for one in payments:
            self._move(one.cash_account_id, one.currency_code, -one.amount, f"payment {one.payment_id}")

    def _move(self, cash_account_id: str, currency_code: str, amount: Decimal, cause: str) -> None:
        if self._currencies.get(cash_account_id) != currency_code:
            raise PosttradeError(
                f"The bank has no account {cash_account_id!r} in {currency_code}, named by {cause}.",
                "Correct the standing instructions of the account.",
            )
        self._balances[cash_account_id] += amount
