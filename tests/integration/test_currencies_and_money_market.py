"""Foreign exchange for spot and a later date, a swap of both, deposits and repos with collateral, through the close.

The figures are worked out by hand beside each case.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU = (date(2026, 1, day) for day in (5, 6, 7, 8))
TOTAL = "select sum(total_amount_base) from marts.fct_profit_and_loss where book_id = :book and business_date <= :day"
CASH = (
    "select coalesce(sum(amount), 0) from ledger.journal_lines where gl_account = 'cash' and book_id = :book and currency_code = :currency"
)
CLAIMS = (
    "select currency_code, closing_amount from intermediate.int_cash__flows_due where book_id = :book and business_date = :day order by 1"
)
DEAL = {
    "market_mic": "XXXX", "currency_code": "EUR", "coupon_rate": "3.6", "coupon_frequency": 1, "day_count": "ACT/360", "issue_date": MON,
    "first_coupon_date": THU, "maturity_date": THU,
}  # fmt: skip


def test_currencies_are_exchanged_and_money_is_lent_and_borrowed() -> None:
    pair = {"market_mic": "XOFF", "currency_code": "USD", "notional_currency_code": "EUR"}
    firm = SmallFirm(
        base="EUR",
        books=("SPOT", "FEE", "FORWARD", "SWAP", "DEPOSIT", "REPO"),
        instruments=[
            {"instrument_id": "S", "currency_code": "EUR"},
            pair | {"instrument_id": "EURUSD", "product_line": "fx_spot"},
            pair | {"instrument_id": "EURUSD 2026-01-08", "product_line": "fx_forward", "maturity_date": THU},
            DEAL | {"instrument_id": "LENT", "product_line": "deposit"},
            DEAL | {"instrument_id": "BORROWED", "product_line": "repo"},
        ],
    )
    spot, forward = {"instrument_id": "EURUSD"}, {"instrument_id": "EURUSD 2026-01-08"}
    dealt = [
        trade("1", MON, 1000, "1.10", book_id="SPOT", **spot), trade("8", MON, 100, "1.10", book_id="FEE", fee_amount="5", **spot),
        trade("2", MON, 1000, "1.11", book_id="FORWARD", **forward),
        # a swap: sold for Wednesday, bought back for Thursday
        trade("3", MON, -1000, "1.10", book_id="SWAP", execution_id="SWAP-1", **spot),
        trade("4", MON, 1000, "1.105", book_id="SWAP", execution_id="SWAP-1", **forward),
        trade("5", MON, 10000, "100", book_id="DEPOSIT", instrument_id="LENT", currency_code="EUR"),
        trade("6", MON, -5000, "100", book_id="REPO", instrument_id="BORROWED", currency_code="EUR"),
        trade("7", MON, 100, "10", book_id="REPO", instrument_id="S", currency_code="EUR"),
    ]  # fmt: skip
    outright = "EURUSD 2026-01-08"
    firm.day(MON, dealt, {"S": "10", outright: "1.12"}, {"USD": "0.90"})
    assert rows(CLAIMS, book="SPOT", day=MON) == [("EUR", 1000), ("USD", -1100)]
    # 1,000.00 euro for 1,100.00 dollars of 0.90.
    assert value(TOTAL, book="SPOT", day=MON) == 10
    # 1.00 of gain and 5.00 dollars of fee.
    fees = "select sum(fees_amount_base), sum(total_amount_base) from marts.fct_profit_and_loss where book_id = 'FEE'"
    assert rows(fees) == [(Decimal("-4.50"), Decimal("-3.50"))]
    # The outright of 1.12 against 1.11: 10.00 dollars; 1,110.00 are owed.
    assert rows("select market_value_amount, settled_quantity from marts.fct_positions where book_id = 'FORWARD'") == [(1120, 1000)]
    assert value(TOTAL, book="FORWARD", day=MON) == 9
    assert value(CASH, book="DEPOSIT", currency="EUR") == -10000
    assert value(CASH, book="SPOT", currency="EUR") == 0

    # 100 shares are given as collateral before they have come in: the custodian holds 100 less than nothing, the book 100.
    given = {
        "movement_id": "M1", "deal_instrument_id": "BORROWED", "book_id": "REPO", "account_id": "A", "instrument_id": "S",
        "movement_date": TUE, "quantity": -100,
    }  # fmt: skip
    firm.day(TUE, [], {"S": "10", outright: "1.10"}, {"USD": "0.92"}, collateral_movements=[given])
    assert rows(
        "select traded_quantity, settled_quantity from marts.fct_positions where business_date = :day and instrument_id = 'S'", day=TUE
    ) == [(100, -100)]
    # A day of 3.6 % on 10,000.00 and on 5,000.00, of 360.
    assert (value(TOTAL, book="DEPOSIT", day=TUE), value(TOTAL, book="REPO", day=TUE)) == (1, Decimal("-0.50"))
    firm.day(WED, [], {"S": "10", outright: "1.10"}, {"USD": "0.92"})
    assert (value(CASH, book="SPOT", currency="EUR"), value(CASH, book="SPOT", currency="USD")) == (1000, -1100)
    returned = given | {"movement_id": "M2", "movement_date": THU, "quantity": 100}
    firm.day(THU, [], {"S": "10"}, {"USD": "0.92"}, collateral_movements=[returned])
    # Paid on the day agreed: 1,110.00 dollars for 1,000.00 euro, worth 1,021.20 then; 1,000.00 and 1,012.00.
    assert (value(CASH, book="FORWARD", currency="EUR"), value(CASH, book="FORWARD", currency="USD")) == (1000, -1110)
    assert (value(TOTAL, book="FORWARD", day=THU), value(TOTAL, book="SPOT", day=THU)) == (Decimal("-21.20"), -12)
    # The swap cost 5.00 dollars, and nothing else is left of it.
    assert rows(CLAIMS, book="SWAP", day=THU) == [("EUR", 0), ("USD", -5)]
    assert value(TOTAL, book="SWAP", day=THU) == Decimal("-4.60")
    assert value("select count(*) from marts.fct_positions where business_date = :day and product_line = 'fx_forward'"
                 " and traded_quantity <> 0", day=THU) == 0  # fmt: skip
    # Three days of interest, and the nominal back.
    assert (value(CASH, book="DEPOSIT", currency="EUR"), value(TOTAL, book="DEPOSIT", day=THU)) == (3, 3)
    assert (value(CASH, book="REPO", currency="EUR"), value(TOTAL, book="REPO", day=THU)) == (Decimal("-1.50"), Decimal("-1.50"))
    assert value("select settled_quantity from marts.fct_positions where business_date = :day and instrument_id = 'S'", day=THU) == 0
    # Only the shares are instructed.
    assert rows("select distinct instrument_id from operations.settlement_instructions") == [("S",)]
    # In base currency nothing is left of what was exchanged.
    assert value("select sum(amount_base) from ledger.journal_lines where gl_account = 'fx_position'") == 0
    assert_books_tie()
