"""The file of payment orders that goes to the bank."""

from collections.abc import Iterable, Sequence

from posttrade.messages.delimited import delimited_text

COLUMNS = (
    "payment_id", "cash_account_id", "creditor_name", "creditor_iban", "creditor_bic", "amount", "currency_code", "pay_date",
    "reference",
)  # fmt: skip


def payment_orders_text(rows: Iterable[Sequence[object]]) -> str:
    """The file's text.

    Args:
        rows: values in the order of `COLUMNS`; amounts are positive and leave the cash account.
    """
    return delimited_text(COLUMNS, rows)
