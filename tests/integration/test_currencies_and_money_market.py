"""Foreign exchange for spot and a later date, a swap of both, deposits and repos with collateral, through the close.

The figures are worked out by hand beside each case.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value
from typer.testing import CliRunner

from posttrade.cli import app
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, engine
from posttrade.reports.changes import Figure, read_changes

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


def quoted(day: date, rate: str) -> dict[str, list[dict[str, object]]]:
    """The outright rate of euro in dollars for Thursday; a dollar then is worth a dollar now."""
    pair = {"notional_currency_code": "EUR", "currency_code": "USD"}
    return {
        "forward_rates": [pair | {"rate_date": day, "value_date": THU, "rate": rate}],
        "discount_factors": [{"currency_code": "USD", "factor_date": day, "value_date": THU, "factor": "1"}],
    }


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
    firm.day(MON, dealt, {"S": "10"}, {"USD": "0.90"}, **quoted(MON, "1.12"))
    assert rows(CLAIMS, book="SPOT", day=MON) == [("EUR", 1000), ("USD", -1100)]
    # 1,000.00 euro for 1,100.00 dollars of 0.90.
    assert value(TOTAL, book="SPOT", day=MON) == 10
    # 1.00 of gain and 5.00 dollars of fee.
    fees = "select sum(fees_amount_base), sum(total_amount_base) from marts.fct_profit_and_loss where book_id = 'FEE'"
    assert rows(fees) == [(Decimal("-4.50"), Decimal("-3.50"))]
    # The outright of 1.12 against 1.11: 10.00 dollars, and nothing is owed yet.
    assert rows("select market_value_amount, settled_quantity from marts.fct_positions where book_id = 'FORWARD'") == [(10, 1000)]
    assert rows(CLAIMS, book="FORWARD", day=MON) == [("USD", 0)]
    assert value(TOTAL, book="FORWARD", day=MON) == 9
    assert value(CASH, book="DEPOSIT", currency="EUR") == -10000
    assert value(CASH, book="SPOT", currency="EUR") == 0

    # 100 shares are given as collateral before they have come in: the custodian holds 100 less than nothing, the book 100.
    given = {
        "movement_id": "M1", "deal_instrument_id": "BORROWED", "book_id": "REPO", "account_id": "A", "instrument_id": "S",
        "movement_date": TUE, "quantity": -100,
    }  # fmt: skip
    firm.day(TUE, [], {"S": "10"}, {"USD": "0.92"}, collateral_movements=[given], **quoted(TUE, "1.10"))
    assert rows(
        "select traded_quantity, settled_quantity from marts.fct_positions where business_date = :day and instrument_id = 'S'", day=TUE
    ) == [(100, -100)]
    # A day of 3.6 % on 10,000.00 and on 5,000.00, of 360.
    assert (value(TOTAL, book="DEPOSIT", day=TUE), value(TOTAL, book="REPO", day=TUE)) == (1, Decimal("-0.50"))
    firm.day(WED, [], {"S": "10"}, {"USD": "0.92"}, **quoted(WED, "1.10"))
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


def test_currencies_for_spot_are_paid_when_banks_of_both_work() -> None:
    """Dealt on Tuesday before Christmas, euro against dollars are paid on Monday; a pair of unknown banks states its date or waits."""
    pair = {"market_mic": "XOFF", "currency_code": "USD", "notional_currency_code": "EUR", "product_line": "fx_spot"}
    firm = SmallFirm(
        base="USD",
        instruments=[pair | {"instrument_id": "EURUSD"}, pair | {"instrument_id": "PLNUSD", "notional_currency_code": "PLN"}],
    )
    tuesday, wednesday = date(2025, 12, 23), date(2025, 12, 24)
    dealt = [
        trade("1", tuesday, 1000, "1.10", instrument_id="EURUSD"),
        trade("2", tuesday, 1000, "1.10", instrument_id="EURUSD", settlement_date=wednesday),
        trade("3", tuesday, 1000, "0.25", instrument_id="PLNUSD", settlement_date="2025-12-29"),
        trade("4", tuesday, 1000, "0.25", instrument_id="PLNUSD"),
    ]
    firm.day(tuesday, dealt, {}, {"EUR": "1.10", "PLN": "0.25"})
    due = "select trade_id, settlement_date from intermediate.int_trades__movements order by 1"
    monday = date(2025, 12, 29)
    assert rows(due) == [("CSV~1", monday), ("CSV~2", wednesday), ("CSV~3", monday)]
    waiting = "select trade_id, reason from books.trades_held_for_terms where found_date is null"
    assert rows(waiting) == [("CSV~4", "it states no settlement date, and on which days the banks of PLN work is unknown")]

    stated = trade("4", tuesday, 1000, "0.25", instrument_id="PLNUSD", version=2, event_type="AMEND", settlement_date=monday)
    firm.day(wednesday, [stated], {}, {"EUR": "1.10", "PLN": "0.25"})
    assert rows(due + " offset 3") == [("CSV~4", monday)]
    assert_books_tie()


# What Tuesday's result says, in euro: amended, cancelled and late trades, currency on claims, total. Dollars are 0.90 on Monday and 0.92 on
# Tuesday, sterling 1.15 and 1.17, the outright 1.12 and 1.10.
#
# SPOT      1,000.00 euro for 1,100.00 dollars: -990.00 on Monday, -1,012.00 on Tuesday. Late: -12.00. At 1.11 in place of 1.10 10.00
#           dollars more are owed: -9.20; the 1,100.00 of Monday lost 22.00. Cancelled, the 10.00 of Monday and the -22.00 of Tuesday go.
# CROSS     100.00 pounds for 130.00 dollars and a fee of 5.00, late: at Monday's rate 117.00 and 4.50; 117.00 of pounds on Tuesday, and
#           124.20 of dollars owed against 121.50: -2.70.
# FORWARD   1,000.00 euro at 1.11: worth 10.00 dollars on Monday, 9.00 euro; -10.00 on Tuesday, -9.20. Late: -9.20. The currency made the
#           9.00
#           of Monday 9.20, and the outright -9.20, both -18.20; at 1.12 10.00 dollars more are to be given: -9.20. Cancelled, the -9.20 go.
# DEPOSIT   A day of 3.6 % on 10,000.00 is earned on Tuesday, on 12,000.00 as amended, whenever it was told. REPO: on 5,000.00 owed.
CORRECTED_ON_TUESDAY = """
    SPOT-LATE          CASH:USD      0       0   -12.00      0   -12.00
    SPOT-AMENDED       CASH:USD  -9.20       0        0 -22.00   -31.20
    SPOT-CANCELLED     CASH:USD      0   12.00        0 -22.00   -10.00
    CROSS-LATE         CASH:USD      0       0    -2.70      0    -2.70
    CROSS-LATE         GBPUSD        0       0        0      0    -4.50
    FORWARD-LATE       OUTRIGHT      0       0    -9.20      0    -9.20
    FORWARD-AMENDED    OUTRIGHT  -9.20       0        0      0   -27.40
    FORWARD-CANCELLED  OUTRIGHT      0    9.20        0      0    -9.00
    DEPOSIT-LATE       LENT          0       0        0      0     1.00
    DEPOSIT-AMENDED    LENT          0       0        0      0     1.20
    REPO-LATE          BORROWED      0       0        0      0    -0.50
"""

# What that changes of Monday: quantity, value and result, in euro at the rates of Monday; what was paid is at the rate it was booked at.
CHANGED_OF_MONDAY = """
    SPOT-LATE          CASH:EUR  LATE              0   1000.00       0
    SPOT-LATE          CASH:USD  LATE              0   -990.00   10.00
    SPOT-AMENDED       CASH:USD  AMENDMENT         0     -9.00   -9.00
    SPOT-CANCELLED     CASH:EUR  CANCELLATION      0  -1000.00       0
    SPOT-CANCELLED     CASH:USD  CANCELLATION      0    990.00  -10.00
    CROSS-LATE         CASH:GBP  LATE              0    115.00   -2.00
    CROSS-LATE         CASH:USD  LATE              0   -121.50       0
    CROSS-LATE         GBPUSD    LATE              0         0   -4.50
    FORWARD-LATE       OUTRIGHT  LATE           1000      9.00    9.00
    FORWARD-AMENDED    OUTRIGHT  AMENDMENT         0     -9.00   -9.00
    FORWARD-CANCELLED  OUTRIGHT  CANCELLATION  -1000     -9.00   -9.00
    DEPOSIT-LATE       LENT      LATE          10000  10000.00       0
    DEPOSIT-AMENDED    LENT      AMENDMENT      2000   2000.00       0
    DEPOSIT-CANCELLED  LENT      CANCELLATION -10000 -10000.00       0
    REPO-LATE          BORROWED  LATE          -5000  -5000.00       0
"""


def lines(table: str, names: int) -> list[tuple[object, ...]]:
    """A table written out, names before figures."""
    cells = [line.split() for line in table.split("\n") if line.strip()]
    return sorted((*line[:names], *map(Decimal, line[names:])) for line in cells)


def test_late_amended_and_cancelled_deals_are_corrections_of_the_dates_before() -> None:
    pair = {"market_mic": "XOFF", "currency_code": "USD", "notional_currency_code": "EUR"}
    dealt: dict[str, dict[str, object]] = {
        "SPOT": {"instrument_id": "EURUSD", "quantity": 1000, "price": "1.10"},
        "CROSS": {"instrument_id": "GBPUSD", "quantity": 100, "price": "1.30", "fee_amount": "5"},
        "FORWARD": {"instrument_id": "OUTRIGHT", "quantity": 1000, "price": "1.11"},
        "DEPOSIT": {"instrument_id": "LENT", "quantity": 10000, "price": "100", "currency_code": "EUR"},
        "REPO": {"instrument_id": "BORROWED", "quantity": 5000, "price": "100", "currency_code": "EUR", "side": "SELL"},
    }
    amended: dict[str, dict[str, object]] = {"SPOT": {"price": "1.11"}, "FORWARD": {"price": "1.12"}, "DEPOSIT": {"quantity": 12000}}
    late = [trade(f"{kind}-LATE", MON, 1, "1") | {"book_id": f"{kind}-LATE"} | dealt[kind] for kind in dealt]
    booked = {
        f"{kind}-{fate}": trade(f"{kind}-{fate}", MON, 1, "1") | {"book_id": f"{kind}-{fate}"} | dealt[kind]
        for kind in amended for fate in ("AMENDED", "CANCELLED")
    }  # fmt: skip
    firm = SmallFirm(
        base="EUR",
        books=[*booked, *(str(one["book_id"]) for one in late)],
        instruments=[
            pair | {"instrument_id": "EURUSD", "product_line": "fx_spot"},
            pair | {"instrument_id": "GBPUSD", "product_line": "fx_spot", "notional_currency_code": "GBP"},
            pair | {"instrument_id": "OUTRIGHT", "product_line": "fx_forward", "maturity_date": THU},
            DEAL | {"instrument_id": "LENT", "product_line": "deposit"},
            DEAL | {"instrument_id": "BORROWED", "product_line": "repo"},
            {"instrument_id": "S", "currency_code": "GBP"},
        ],
    )
    firm.day(MON, booked.values(), {}, {"USD": "0.90", "GBP": "1.15"}, **quoted(MON, "1.12"))
    later = [
        *late,
        *(booked[f"{kind}-AMENDED"] | {"version": 2, "event_type": "AMEND"} | change for kind, change in amended.items()),
        *({"trade_id": f"{kind}-CANCELLED", "version": 2, "event_type": "CANCEL"} for kind in amended),
    ]
    firm.day(TUE, later, {}, {"USD": "0.92", "GBP": "1.17"}, **quoted(TUE, "1.10"))

    components = ("amended_trades", "cancelled_trades", "late_trades", "fx_transaction", "total")
    sums = ", ".join(f"{name}_amount_base" for name in components)
    found = rows(f"select book_id, instrument_id, {sums} from marts.fct_profit_and_loss where business_date = :day", day=TUE)
    assert sorted(row for row in found if any(row[2:])) == lines(CORRECTED_ON_TUESDAY, 2)
    # Owing more or less of a currency is no result in it.
    assert value("select count(*) from marts.fct_profit_and_loss where instrument_id like 'CASH:%' and total_amount <> 0") == 0
    changed = rows(
        "select book_id, instrument_id, event_type, changed_quantity, market_value_amount_base, total_amount_base, event_id"
        " from marts.rpt_what_changed"
    )
    assert sorted(row[:-1] for row in changed) == lines(CHANGED_OF_MONDAY, 3)
    assert all(row[-1] == f"CSV~{row[0]}" for row in changed)

    # With what is known now, each result to date is that of a book that knew it on Monday.
    known_now = {"SPOT-AMENDED": 1, "SPOT-LATE": 10, "SPOT-CANCELLED": 0, "CROSS-LATE": Decimal("-6.50"), "FORWARD-LATE": 9,
                 "FORWARD-AMENDED": 0, "FORWARD-CANCELLED": 0}  # fmt: skip
    for book, total in known_now.items():
        _, of_book = read_changes(engine(Role.ANALYST), book, MON)
        assert sum(one.as_known_now.total_amount_base for one in of_book) == total, book
    (dollars,) = (one for one in read_changes(engine(Role.ANALYST), "SPOT-AMENDED", MON)[1] if one.instrument_id == "CASH:USD")
    assert dollars.as_known == Figure(Decimal(0), Decimal(-990), Decimal(10))
    assert dollars.as_known_now == Figure(Decimal(0), Decimal(-999), Decimal(1))
    printed = CliRunner().invoke(app, ["changes", "--book", "SPOT-AMENDED", "--date", "2026-01-05"]).output
    cells = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if "│" in line]
    assert ["", "2026-01-06 AMENDMENT CSV~SPOT-AMENDED 2", "0", "-9.00", "-9.00"] in cells

    # A day later nothing of it is left to correct.
    firm.day(WED, [], {}, {"USD": "0.92", "GBP": "1.17"}, **quoted(WED, "1.10"))
    assert (
        value("select sum(abs(prior_day_corrections_amount_base)) from marts.fct_profit_and_loss where business_date = :day", day=WED) == 0
    )
    assert value("select count(*) from marts.rpt_what_changed where business_date = :day", day=WED) == 0
    identities = ["value_change_is_explained", "what_changed_leads_to_the_trades_in_force", "income_statement_is_managements_result"]
    assert len(run_dbt(["test", "--select", *identities], WED).results) == len(identities)
    assert_books_tie()
