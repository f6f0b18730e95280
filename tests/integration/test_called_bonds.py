"""A bond that an event pays back, whole or in part, is paid its accrued interest with it."""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade

pytestmark = pytest.mark.usefixtures("fresh_database")
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 1, day) for day in (5, 6, 7, 8))
BOND = {"product_line": "bond_fixed", "coupon_rate": "6", "coupon_frequency": 1, "day_count": "30/360", "issue_date": "2024-07-07",
        "maturity_date": "2030-07-07"}  # fmt: skip
RESULT = (
    "select instrument_id, price_amount, accrual_amount, income_amount, corporate_actions_amount, total_amount"
    " from marts.fct_profit_and_loss where business_date = :day and instrument_id not like 'CASH:%' order by 1"
)
PAID = "select instrument_id, business_date, sum(net_amount) from marts.fct_income group by 1, 2 order by 1, 2"


def redeemed(instrument_id: str, event_type: str, pay_date: date, **terms: object) -> dict[str, object]:
    return {
        "event_id": instrument_id, "instrument_id": instrument_id, "event_type": event_type, "event_status": "ANNOUNCED",
        "ex_date": TUESDAY,
        "pay_date": pay_date, "amount_per_unit": "1.00", "currency_code": "USD", **terms,
    }  # fmt: skip


def test_accrued_interest_is_paid_with_what_is_paid_back() -> None:
    """100,000 nominal of 6 % by 30/360 since 7 July, settling on the next day: 179 days, 2,983.33, stand there at Monday's close.

    Called for Tuesday, the same is paid. Called for Wednesday, 180 days are: 3,000.00. Half of it for Tuesday: 1,491.67, and the other half
    has grown to 1,500.00.
    """
    firm = SmallFirm(instruments=[BOND | {"instrument_id": name} for name in ("CALLED", "LATER", "PART")])
    prices = dict.fromkeys(("CALLED", "LATER", "PART"), "100")
    firm.day(MONDAY, [trade(name, MONDAY, 100_000, "100", instrument_id=name) for name in prices], prices)
    firm.day(
        TUESDAY,
        [],
        prices,
        corporate_actions=[
            redeemed("CALLED", "CALL", TUESDAY),
            redeemed("LATER", "REDEMPTION", WEDNESDAY),
            redeemed("PART", "PARTIAL_REDEMPTION", TUESDAY, redeemed_fraction="0.5"),
        ],
    )
    cents = Decimal("0.01")
    assert rows(RESULT, day=TUESDAY) == [
        ("CALLED", 0, 0, 0, 0, 0), ("LATER", 0, 1667 * cents, 0, 0, 1667 * cents), ("PART", 0, 834 * cents, 0, 0, 834 * cents),
    ]  # fmt: skip
    assert rows(PAID) == [("CALLED", TUESDAY, 298333 * cents), ("LATER", TUESDAY, 3000), ("PART", TUESDAY, 149167 * cents)]
    assert_books_tie()

    # Withdrawn on Wednesday it is taken back, and the bond stands there with 180 days of interest to Thursday's 181.
    firm.day(WEDNESDAY, [], prices, corporate_actions=[redeemed("CALLED", "CALL", TUESDAY, event_status="WITHDRAWN")])
    assert rows(PAID)[:2] == [("CALLED", TUESDAY, 298333 * cents), ("CALLED", WEDNESDAY, -298333 * cents)]
    accrued = "select accrued_interest_amount from marts.fct_positions where business_date = :day and instrument_id = 'CALLED'"
    assert rows(accrued, day=WEDNESDAY) == [(301667 * cents,)]
    to_date = "select sum(total_amount) from marts.fct_profit_and_loss where instrument_id = 'CALLED'"
    assert rows(to_date) == [(3334 * cents,)]
    assert_books_tie()


def test_a_sale_that_comes_late_takes_the_interest_of_a_call_with_it() -> None:
    """Of 100,000, 40,000 were sold on Monday, told on Wednesday: what the call paid on them goes back."""
    firm = SmallFirm(instruments=[BOND | {"instrument_id": "CALLED"}])
    firm.day(MONDAY, [trade("1", MONDAY, 100_000, "100", instrument_id="CALLED")], {"CALLED": "100"})
    firm.day(TUESDAY, [], {"CALLED": "100"}, corporate_actions=[redeemed("CALLED", "CALL", TUESDAY)])
    firm.day(WEDNESDAY, [trade("2", MONDAY, -40_000, "100", instrument_id="CALLED")])
    # 2,983.33 on 100,000; 1,790.00 on 60,000
    assert rows(PAID) == [("CALLED", TUESDAY, Decimal("2983.33")), ("CALLED", WEDNESDAY, Decimal("-1193.33"))]
    assert_books_tie()
