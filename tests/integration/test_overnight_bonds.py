"""A bond on SOFR through the close: what its fixings tell, what waits for a late one, what a correction changes of closed dates."""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, alerts, assert_books_tie, rows, trade, value

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU = (date(2026, 1, day) for day in (5, 6, 7, 8))

# Settled a day after the trade. Two business days back: Friday 2 January and its weekend have the rate of 30 December, Monday that of the
# 31st, Tuesday that of the 2nd, Wednesday that of the 5th.
SOFR_BOND = {
    "instrument_id": "FRN", "product_line": "bond_floating", "market_mic": "XNYS", "coupon_frequency": 4, "day_count": "ACT/360",
    "issue_date": "2026-01-02", "first_coupon_date": THU, "maturity_date": "2027-01-08", "index_name": "SOFR", "lookback_days": 2,
    "business_calendar": "US-SOFR",
}  # fmt: skip


def fixing(day: str, rate: str) -> dict[str, object]:
    return {"index_name": "SOFR", "fixing_date": day, "rate": rate}


def accrued(day: date) -> Decimal:
    found: Decimal = value("select accrued_interest_amount from marts.fct_positions where business_date = :day", day=day)
    return found


def test_interest_is_compounded_day_by_day_and_paid_and_a_correction_is_booked_in_the_open_date() -> None:
    firm = SmallFirm(instruments=[SOFR_BOND])
    bought = trade("1", MON, 1000000, "100", instrument_id="FRN")
    known = [fixing("2025-12-30", "3.6"), fixing("2025-12-31", "3.6"), fixing("2026-01-02", "3.6")]
    firm.day(MON, [bought], {"FRN": "100"}, index_fixings=known)
    # To Tuesday: 1.0003 x 1.0001 - 1 = 0.00040003.
    assert value("select accrued_amount from intermediate.int_trades__movements") == Decimal("400.03")
    assert accrued(MON) == Decimal("400.03")

    firm.day(TUE, [], {"FRN": "100"}, index_fixings=[fixing("2026-01-05", "7.2")])
    # To Wednesday, a day more: 1.0003 x 1.0001 x 1.0001 - 1 = 0.0005000700...
    assert accrued(TUE) == Decimal("500.07")

    # On Wednesday the bond trades without the coupon. The rate of 31 December was 7.2: 1.0003 x 1.0002 x 1.0001 x 1.0002 - 1 =
    # 0.000800230..., to Tuesday 1.0003 x 1.0002 - 1 = 0.00050006, to Wednesday 1.0003 x 1.0002 x 1.0001 - 1 = 0.00060011...
    firm.day(WED, [], {"FRN": "100"}, index_fixings=[fixing("2026-01-06", "3.6"), fixing("2025-12-31", "7.2")])
    assert accrued(WED) == 0
    assert rows("select gross_amount, pay_date from marts.fct_income") == [(Decimal("800.23"), THU)]
    assert rows(
        "select figure_date, event_type, event_id, accrued_interest_amount, total_amount from marts.rpt_what_changed order by 1"
    ) == [
        (MON, "TERMS", "SOFR 2025-12-31", Decimal("100.03"), Decimal("100.03")),
        (TUE, "TERMS", "SOFR 2025-12-31", Decimal("100.04"), Decimal("100.04")),
    ]
    # Paid 400.03 for what brought 800.23.
    total = "select sum(total_amount_base) from marts.fct_profit_and_loss"
    assert value(total) == Decimal("400.20")

    terms = "select count(distinct terms_sha) from books.bond_coupons"
    before = value(terms)
    firm.day(THU, [], {"FRN": "100"}, index_fixings=[fixing("2026-01-07", "3.6")])
    # A fixing that comes in time makes no terms of its own.
    assert value(terms) == before
    assert accrued(THU) == 100
    assert value("select sum(amount) from ledger.journal_lines where gl_account = 'cash'") == Decimal("800.23")
    assert value(total) == Decimal("500.20")
    assert_books_tie()


def test_a_trade_waits_for_a_late_fixing_and_what_is_held_is_told_when_it_comes() -> None:
    firm = SmallFirm(instruments=[SOFR_BOND], accounts=("A", "B"))
    held = trade("1", MON, 1000000, "100", instrument_id="FRN")
    firm.day(MON, [held], {"FRN": "100"}, index_fixings=[fixing("2025-12-30", "3.6"), fixing("2025-12-31", "3.6")])
    firm.day(TUE, [trade("2", TUE, 2000000, "100", instrument_id="FRN", account_id="B")], {"FRN": "100"})
    assert rows("select trade_id, reason from books.trades_held_for_terms") == [
        ("CSV~2", "accrued interest on 2026-01-07 needs the fixings of the period from 2026-01-02, SOFR of 2026-01-02")
    ]
    assert alerts("bond_without_accrual", TUE) == ["FRN is held and no accrued interest could be worked out."]
    assert accrued(TUE) is None

    firm.day(WED, [], {"FRN": "100"}, index_fixings=[fixing("2026-01-02", "3.6"), fixing("2026-01-05", "7.2")])
    assert alerts("bond_without_accrual", WED) == []
    assert rows("select trade_id, accrued_amount from intermediate.int_trades__movements where business_date = :day", day=WED) == [
        ("CSV~2", Decimal("1000.14"))  # 0.00050007 on 2,000,000
    ]
    # 500.07 had accrued on Tuesday for the holder of Monday, and as much per million for the one of Tuesday.
    changed = rows(
        "select account_id, event_type, accrued_interest_amount, total_amount from marts.rpt_what_changed where figure_date = :day"
        " order by 1, 2",
        day=TUE,
    )
    assert [row for row in changed if row[0] == "A"] == [("A", "TERMS", Decimal("500.07"), Decimal("500.07"))]
    assert sum(row[2] for row in changed if row[0] == "B") == Decimal("1000.14")
    # The coupon of 1.0003 x 1.0001 x 1.0001 x 1.0002 - 1 = 0.000700170... for both, bought with 400.03 and 1,000.14 of it.
    assert rows("select account_id, gross_amount from marts.fct_income order by 1") == [("A", Decimal("700.17")), ("B", Decimal("1400.34"))]
    assert rows(
        "select account_id, sum(total_amount_base) from marts.fct_profit_and_loss where instrument_id = 'FRN' group by 1 order by 1"
    ) == [
        ("A", Decimal("300.14")),
        ("B", Decimal("400.20")),
    ]
    assert_books_tie()
