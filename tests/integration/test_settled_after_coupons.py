"""A bond dealt for a settlement after a coupon or repayment that its market's own settlement still brings is refused when it is loaded.

XNYS settles on the next day: what is dealt on Monday, 12 January settles on Tuesday, when the coupon of Thursday is still to come.
"""

from datetime import date

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED = (date(2026, 1, day) for day in (12, 13, 14))
PAID_ON_THURSDAY = {
    "coupon_rate": "6", "coupon_frequency": 1, "day_count": "30/360", "issue_date": "2024-01-15", "maturity_date": "2030-01-15",
}  # fmt: skip
REJECTED = "select left(raw, 1), reason_code, field, value from operations.exceptions where kind = 'trades' order by business_date, line_no"
HELD = "select instrument_id, traded_quantity from marts.fct_positions where business_date = :day order by 1"


def test_a_settlement_after_the_coupon_is_refused() -> None:
    """Thursday is the first day that settles without the coupon of FIXED; Friday, a day before its own coupon, that of EXED. Of PARTS a
    part is repaid on Thursday, too, and ZERO pays nothing before its end. Wednesday's trades settle on Thursday anyhow. A cancellation
    takes back what was booked, whatever it says.
    """
    ex_coupon = PAID_ON_THURSDAY | {"issue_date": "2024-01-17", "maturity_date": "2030-01-17", "ex_coupon_days": 1}
    firm = SmallFirm(
        instruments=[
            {"instrument_id": "FIXED", "product_line": "bond_fixed"} | PAID_ON_THURSDAY,
            {"instrument_id": "EXED", "product_line": "bond_fixed"} | ex_coupon,
            {"instrument_id": "PARTS", "product_line": "bond_amortising"} | PAID_ON_THURSDAY,
            {"instrument_id": "ZERO", "product_line": "bond_zero", "issue_date": "2024-01-15", "maturity_date": "2030-01-15"},
        ]
    )
    plan = [{"instrument_id": "PARTS", "repayment_date": f"20{year}-01-15", "repaid_percent": 20} for year in range(26, 31)]
    prices = dict.fromkeys(("FIXED", "EXED", "PARTS", "ZERO"), "100")

    def dealt(trade_id: str, day: date, name: str, settled: str, **changes: object) -> dict[str, object]:
        return trade(trade_id, day, 1000, "100", instrument_id=name, settlement_date=settled, **changes)

    trades = [
        dealt("a", MON, "FIXED", "2026-01-14"), dealt("b", MON, "FIXED", "2026-01-15"), dealt("c", MON, "EXED", "2026-01-15"),
        dealt("d", MON, "EXED", "2026-01-16"), dealt("e", MON, "PARTS", "2026-01-20"), dealt("f", MON, "ZERO", "2026-01-20"),
        dealt("g", MON, "PARTS", "2026-01-13"),
    ]  # fmt: skip
    firm.day(MON, trades, prices, bond_repayments=plan)
    refused = ("AFTER_INTEREST_DATE", "settlement_date")
    assert rows(REJECTED) == [
        ("b", *refused, "2026-01-15"), ("d", *refused, "2026-01-16"), ("e", *refused, "2026-01-20"),
    ]  # fmt: skip
    assert rows(HELD, day=MON) == [("EXED", 1000), ("FIXED", 1000), ("PARTS", 1000), ("ZERO", 1000)]
    firm.day(TUE, [dealt("a", MON, "FIXED", "2026-01-20", version=2, event_type="CANCEL")], prices)
    firm.day(WED, [dealt("h", WED, "FIXED", "2026-01-20")], prices)
    assert len(rows(REJECTED)) == 3
    assert rows(HELD, day=WED) == [("EXED", 1000), ("FIXED", 1000), ("PARTS", 800), ("ZERO", 1000)]
    assert_books_tie()
