"""The file of settlement instructions that goes to the custodian."""

from collections.abc import Iterable, Sequence

from posttrade.messages.delimited import delimited_text

COLUMNS = (
    "instruction_id", "function", "cancels_instruction_id", "account_id", "custody_account_number", "instrument_id", "isin",
    "quantity", "amount", "currency_code", "trade_date", "settlement_date", "counterparty_bic", "place_of_settlement_bic",
    "cash_account_id",
)  # fmt: skip


def settlement_instructions_text(rows: Iterable[Sequence[object]]) -> str:
    """The file's text.

    Args:
        rows: values in the order of `COLUMNS`; quantity and amount are positive for what we receive.
    """
    return delimited_text(COLUMNS, rows)
