"""Cash of accounts whose standing instructions are missing: it stands apart, is told, and goes to its cash account once there is one.

The figures are worked out by hand beside each case.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, alerts, assert_books_tie, rows, trade

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU = (date(2026, 1, day) for day in (5, 6, 7, 8))
INSTRUMENTS = [
    {"instrument_id": "LENT", "product_line": "repo_open", "market_mic": "XXXX", "currency_code": "EUR", "coupon_rate": "3.6",
     "day_count": "ACT/360", "issue_date": MON},
    {"instrument_id": "FORWARD", "product_line": "fx_forward", "market_mic": "XOFF", "currency_code": "USD",
     "notional_currency_code": "EUR", "maturity_date": THU},
    {"instrument_id": "FUTURE", "product_line": "future", "market_mic": "XEUR", "currency_code": "EUR", "contract_size": 10,
     "expiry_date": "2026-03-20"},
]  # fmt: skip
BALANCES = "select cash_account_id, currency_code, settled_amount from marts.fct_cash_balances where business_date = :day order by 1"


def instructed(account: str, currency: str) -> dict[str, object]:
    return {
        "account_id": account, "currency_code": currency, "place_of_settlement_bic": "EXCUUS33", "custody_account_number": "1",
        "cash_account_id": f"C-{currency}",
    }  # fmt: skip


def test_cash_without_a_standing_instruction_stands_apart_until_there_is_one() -> None:
    """A is instructed for euro a day late, Z never."""
    firm = SmallFirm(accounts=("A", "Z"), instruments=INSTRUMENTS)
    dealt = [
        trade("REPO", MON, "4000.50", "100", instrument_id="LENT", currency_code="EUR"),
        *(trade(f"FWD-{one}", MON, 1000, "1.11", instrument_id="FORWARD", account_id=one) for one in ("A", "Z")),
        trade("FUT", MON, 2, "100", instrument_id="FUTURE", currency_code="EUR", account_id="Z"),
    ]
    firm.day(
        MON, dealt, {"FUTURE": "101.50"}, {"EUR": "1.10"}, standing_instructions=[instructed("A", "USD"), instructed("Z", "USD")]
    )  # fmt: skip
    assert rows(BALANCES, day=MON) == [("NONE:A", "EUR", Decimal("-4000.50"))]
    held = "{} cannot be settled: STANDING_INSTRUCTION_MISSING."
    assert alerts("obligation_held", MON) == [held.format(f"CSV~{one}") for one in ("FWD-A", "FWD-Z", "REPO")]
    assert alerts("cash_without_account", MON) == [
        "-4,000.50 EUR of A stand on no cash account: it has no standing instruction for the currency."
    ]

    firm.day(TUE, [], {"FUTURE": "101.50"}, {"EUR": "1.10"}, standing_instructions=[instructed("A", "EUR")])
    # A's cash is where it belongs. Two contracts of ten euro a point have won 1.50: 30.00 of margin for Z.
    assert rows(BALANCES, day=TUE) == [("C-EUR", "EUR", Decimal("-4000.50")), ("NONE:Z", "EUR", 30)]
    assert alerts("obligation_held", TUE) == [held.format("CSV~FWD-Z")]

    firm.day(WED, [], {"FUTURE": "101.50"}, {"EUR": "1.10"})
    firm.day(THU, [], {"FUTURE": "101.50"}, {"EUR": "1.10"})
    # Each gets 1,000.00 euro for 1,110.00 dollars.
    assert rows(BALANCES, day=THU) == [("C-EUR", "EUR", Decimal("-3000.50")), ("C-USD", "USD", -2220), ("NONE:Z", "EUR", 1030)]
    assert alerts("obligation_held", THU) == []
    assert alerts("cash_without_account", THU) == [
        "1,030.00 EUR of Z stand on no cash account: it has no standing instruction for the currency."
    ]
    ledger = "select currency_code, sum(amount) from ledger.journal_lines where gl_account = 'cash' group by 1 order by 1"
    assert rows(ledger) == [("EUR", Decimal("-1970.50")), ("USD", -2220)]
    assert_books_tie()
