"""Currency forwards at fair value, from the trade to the exchange of both amounts.

Fair value in the quote currency = notional x (F - K) x DF: F the outright forward rate for the value date, K the rate agreed, DF the
discount factor of the quote currency (Hull, Options, Futures, and Other Derivatives, chapter 5). All figures are worked out by hand.
"""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, assert_rebuilt_the_same, rows, trade, value
from sqlalchemy import text

from posttrade.controls.build import BUSINESS_DATE_QUERY
from posttrade.controls.catalogue import all_controls
from posttrade.offices.derivations import run_dbt
from posttrade.records.database import Role, engine

pytestmark = pytest.mark.usefixtures("fresh_database")
MON, TUE, WED, THU, FRI = (date(2026, 1, day) for day in (5, 6, 7, 8, 9))
OUTRIGHT = "EURUSD 2026-01-08"
PAIR = {"market_mic": "XOFF", "currency_code": "USD", "notional_currency_code": "EUR"}
CASH = (
    "select coalesce(sum(amount), 0) from ledger.journal_lines where gl_account = 'cash' and book_id = :book and currency_code = :currency"
)


def outright(day: date, value_date: date, rate: object, pair: str = "EUR/USD", **changes: object) -> dict[str, object]:
    notional, currency = pair.split("/")
    return {
        "notional_currency_code": notional, "currency_code": currency, "rate_date": day, "value_date": value_date, "rate": rate,
    } | changes  # fmt: skip


def factor(day: date, value_date: date, worth: object, currency: str = "USD", **changes: object) -> dict[str, object]:
    return {"currency_code": currency, "factor_date": day, "value_date": value_date, "factor": worth} | changes


def forward_firm(*books: str) -> SmallFirm:
    return SmallFirm(
        base="EUR",
        books=books,
        instruments=[
            PAIR | {"instrument_id": OUTRIGHT, "product_line": "fx_forward", "maturity_date": THU},
            PAIR | {"instrument_id": "EURUSD", "product_line": "fx_spot"},
        ],
    )


# What a forward of 100,000.00 euro bought at 1.11 is worth, in dollars and euro, and what each day's result is made of, in euro.
#
# MON  USD 0.90. F 1.12, DF 0.999, both quoted for the value date: 100,000 x 0.01 x 0.999 = 999.00; 899.10 euro, of the new trade. Fee 5.00
#      dollars: 4.50.
# TUE  USD 0.92. F between 1.100 for Wednesday and 1.104 for Friday: 1.102. DF between 0.9998 and 0.9994: the root of 0.99920012,
#      0.99959998.
#      -800.00 x 0.99959998 = -799.68; -735.71 euro. 999.00 at the new rate are 919.08, 19.98 more than 899.10; price -735.71 - 919.08.
# WED  USD 0.80, so spot is 1.25. F between spot and 1.254 for Friday: 1.252. DF the root of 0.9990, 0.999499875: 14,200.00 x that =
#      14,192.90;
#      11,354.32 euro. -799.68 at the new rate are -639.74 (-639.744), 95.97 more than -735.71; price 11,354.32 + 639.74.
# THU  USD 0.85. Exchanged at spot 1 / 0.85: 100,000.00 euro are 117,647.06 dollars, 6,647.06 more than the 111,000.00 given. 111,000.00 are
#      94,350.00 euro: worth 5,650.00. 14,192.90 at the new rate are 12,063.96 (12,063.965, half-even), 709.64 more than 11,354.32; price
#      5,650.00 - 12,063.96.
VALUED = {
    MON: (999, "899.10"), TUE: ("-799.68", "-735.71"), WED: ("14192.90", "11354.32"), THU: (0, 0),
}  # fmt: skip
EXPLAINED = {
    # new trades, price, currency, fees, total
    MON: ("899.10", 0, 0, "-4.50", "894.60"),
    TUE: (0, "-1654.79", "19.98", 0, "-1634.81"),
    WED: (0, "11994.06", "95.97", 0, "12090.03"),
    THU: (0, "-6413.96", "709.64", 0, "-5704.32"),
}


def decimals(row: tuple[object, ...]) -> tuple[Decimal, ...]:
    return tuple(Decimal(str(one)) for one in row)


def test_a_forward_stands_at_its_fair_value_until_both_amounts_are_exchanged() -> None:
    firm = forward_firm("B")
    position = (
        "select market_value_amount, market_value_amount_base from marts.fct_positions where business_date = :day and instrument_id = :name"
    )
    balances = (
        "select gl_account, currency_code, balance_amount, balance_amount_base from intermediate.int_accounting__balances_carried"
        " where business_date = :day and gl_account in ('derivative_assets', 'derivative_liabilities', 'fx_position') order by 1, 2"
    )
    firm.day(
        MON, [trade("1", MON, 100_000, "1.11", instrument_id=OUTRIGHT, fee_amount="5")], {}, {"USD": "0.90"},
        forward_rates=[outright(MON, THU, "1.12"), outright(MON, FRI, "1.2")],
        discount_factors=[factor(MON, WED, "0.9999"), factor(MON, THU, "0.999")],
    )  # fmt: skip
    assert rows(
        "select exposure_amount, agreed_amount, discount_factor, price, unrealised_amount, unrealised_amount_base from marts.fct_positions"
    ) == [decimals((112_000, 111_000, "0.999", "1.12", "994.00", "894.60"))]
    # Nothing is owed but the fee, and only the fair value is on the balance sheet.
    assert rows(balances, day=MON) == [("derivative_assets", "USD", 999, Decimal("899.10"))]
    assert rows("select gl_account, amount from ledger.journal_lines where gl_account = 'trade_settlement'") == [("trade_settlement", -5)]
    firm.day(
        TUE, [], {}, {"USD": "0.92"}, forward_rates=[outright(TUE, WED, "1.100"), outright(TUE, FRI, "1.104")],
        discount_factors=[factor(TUE, WED, "0.9998"), factor(TUE, FRI, "0.9994")],
    )  # fmt: skip
    assert rows(balances, day=TUE) == [("derivative_liabilities", "USD", Decimal("-799.68"), Decimal("-735.71"))]
    assert rows("select account_type, amount_base from marts.rpt_balance_sheet where gl_account = 'derivative_liabilities'") == [
        ("LIABILITY", Decimal("735.71"))
    ]
    firm.day(WED, [], {}, {"USD": "0.80"}, forward_rates=[outright(WED, FRI, "1.254")], discount_factors=[factor(WED, FRI, "0.9990")])
    assert (value(CASH, book="B", currency="EUR"), value(CASH, book="B", currency="USD")) == (0, 0)
    assert value("select count(*) from operations.settlement_instructions") == 0
    # Wednesday's rate is corrected to 0.75: spot was 1.3333333333, F (1.3333333333 + 1.254) / 2 = 1.2936666667, and 18,366.67 x
    # 0.999499875 = 18,357.48 dollars in place of 14,192.90; at 0.80 14,685.98 euro, 3,331.66 more; at 0.75 13,768.11, 917.87 less. The fee
    # owed is 0.25 less.
    dollars = {"currency_code": "USD", "base_currency_code": "EUR"}
    firm.day(
        THU, [], {}, None, fx_rates=[dollars | {"rate_date": WED, "rate": "0.75"}, dollars | {"rate_date": THU, "rate": "0.85"}]
    )  # fmt: skip
    assert rows(
        "select figure_date, instrument_id, event_type, event_id, market_value_amount, market_value_amount_base, total_amount_base"
        " from marts.rpt_what_changed order by 2, 3"
    ) == [
        (WED, "CASH:USD", "FX_RATE", "USD 2026-01-07", *decimals((0, "0.25", "0.25"))),
        (WED, OUTRIGHT, "FX_RATE", "USD 2026-01-07", *decimals((0, "-917.87", "-917.87"))),
        (WED, OUTRIGHT, "PRICE", "2026-01-07", *decimals(("4164.58", "3331.66", "3331.66"))),
    ]
    assert (value(CASH, book="B", currency="EUR"), value(CASH, book="B", currency="USD")) == (100_000, -111_005)
    assert rows(balances, day=THU) == [
        ("fx_position", "EUR", -100_000, -100_000), ("fx_position", "USD", Decimal("117647.06"), 100_000),
    ]  # fmt: skip
    assert rows("select currency_code, settled_amount from marts.fct_cash_balances where business_date = :day order by 1", day=THU) == [
        ("EUR", 100_000), ("USD", -111_005)
    ]  # fmt: skip
    for day, expected in VALUED.items():
        assert rows(position, day=day, name=OUTRIGHT) == [decimals(expected)], day
    parts = ", ".join(f"{name}_amount_base" for name in ("new_trades", "price", "fx_translation", "fees", "total"))
    for day, expected in EXPLAINED.items():
        found = rows(
            f"select {parts} from marts.fct_profit_and_loss where business_date = :day and instrument_id = :name", day=day, name=OUTRIGHT
        )
        assert found == [decimals(expected)], day
    # All of it is realised on the value date: 6,647.06 dollars at 0.85, less the fee.
    assert rows("select sum(realised_amount), sum(realised_amount_base) from marts.fct_realised_results") == [
        decimals(("6642.06", "5645.75"))
    ]
    firm.day(FRI, [], {}, {"USD": "0.86"})
    # 111,005.00 dollars owed cost 1,110.05 euro more.
    assert rows(
        "select instrument_id, total_amount_base from marts.fct_profit_and_loss"
        " where business_date = :day and total_amount_base <> 0", day=FRI) == [
        ("CASH:USD", Decimal("-1110.05"))
    ]  # fmt: skip
    assert_books_tie()


# Euro against dollars for Thursday, 1,000.00 bought on Monday at 1.11, and what of it is known late. Dollars are 0.90, 0.92, 0.92, 0.80,
# 0.82.
# Outright rates: 1.12, 1.10, 1.15; spot 1.25 on Thursday. Discount factors 0.999, 0.999, 0.9999. Monday's 1.12 is told as 1.13 on Tuesday.
#
# CLOSED     Sold again on Tuesday at 1.09: 20.00 dollars are to be given, now 19.98; 18.38 euro (18.3816). Before the sale 9.99, 9.19: the
#            sale
#            cost 9.19. The 20.00 are realised, and 0.02 of them not yet lost, for they are given on Thursday only.
# What Friday's result says, in euro: amended, cancelled and late trades, corporate actions, currency on claims, total.
# LATE       The trade of Monday comes on Friday: exchanged at Thursday's rates, 140.00 dollars more than was given, 1,000.00 - 888.00 =
#            112.00
#            euro. At Friday's rate the 140.00 are 114.80. The 1,110.00 owed are 910.20 on Friday, 22.20 more than 888.00.
# AMENDED    1.10 in place of 1.11: 10.00 dollars less, 8.20 at Friday's rate, 8.00 at Thursday's. The 1,110.00 lost 22.20 since.
# CANCELLED  The 140.00 go, at 114.80, and with them the 112.00; the 1,110.00 lost 22.20 and are not owed.
CORRECTED_ON_FRIDAY = """
    LATE       OUTRIGHT      0        0  114.80  -2.80       0   112.00
    LATE       CASH:USD      0        0  -22.20      0       0   -22.20
    AMENDED    OUTRIGHT   8.20        0       0  -0.20       0     8.00
    AMENDED    CASH:USD   0.20        0       0      0  -22.20   -22.00
    CANCELLED  OUTRIGHT      0  -114.80       0   2.80       0  -112.00
    CANCELLED  CASH:USD      0    22.20       0      0  -22.20        0
    CLOSED     CASH:USD      0        0       0      0   -0.40    -0.40
    KNOWN      CASH:USD      0        0       0      0  -22.20   -22.20
"""

# What that changes of the closed dates, in euro: quantity, exposure, value and result. The worth of 1,000.00 at 1.11: 20.00 x 0.999 dollars
# on Monday,
# as its rate is known now, 17.98 euro; -9.99 and -9.19 on Tuesday; 39.996, so 40.00, and 36.80 on Wednesday; 140.00 and 112.00 on Thursday,
# before
# they are exchanged. At 1.10: 29.97 and 26.97, 0 and 0, 49.995, so 50.00 (half-even), and 46.00. The exposure is 1,130.00, 1,100.00,
# 1,150.00
# and 1,250.00 dollars.
LEARNED_ON_FRIDAY = """
    2026-01-05  AMENDED    OUTRIGHT  AMENDMENT             0        0     8.99     8.99
    2026-01-06  AMENDED    OUTRIGHT  AMENDMENT             0        0     9.19     9.19
    2026-01-07  AMENDED    OUTRIGHT  AMENDMENT             0        0     9.20     9.20
    2026-01-08  AMENDED    OUTRIGHT  AMENDMENT             0        0     8.00     8.00
    2026-01-08  AMENDED    OUTRIGHT  CORPORATE_ACTION      0        0    -8.00        0
    2026-01-08  AMENDED    CASH:USD  AMENDMENT             0     8.00     8.00        0
    2026-01-05  CANCELLED  OUTRIGHT  CANCELLATION      -1000 -1017.00   -17.98   -17.98
    2026-01-06  CANCELLED  OUTRIGHT  CANCELLATION      -1000 -1012.00     9.19     9.19
    2026-01-07  CANCELLED  OUTRIGHT  CANCELLATION      -1000 -1058.00   -36.80   -36.80
    2026-01-08  CANCELLED  OUTRIGHT  CANCELLATION      -1000 -1000.00  -112.00  -112.00
    2026-01-08  CANCELLED  OUTRIGHT  CORPORATE_ACTION   1000  1000.00   112.00        0
    2026-01-08  CANCELLED  CASH:EUR  CANCELLATION          0 -1000.00 -1000.00        0
    2026-01-08  CANCELLED  CASH:USD  CANCELLATION          0   888.00   888.00        0
    2026-01-05  LATE       OUTRIGHT  LATE               1000  1017.00    17.98    17.98
    2026-01-06  LATE       OUTRIGHT  LATE               1000  1012.00    -9.19    -9.19
    2026-01-07  LATE       OUTRIGHT  LATE               1000  1058.00    36.80    36.80
    2026-01-08  LATE       OUTRIGHT  LATE               1000  1000.00   112.00   112.00
    2026-01-08  LATE       OUTRIGHT  CORPORATE_ACTION  -1000 -1000.00  -112.00        0
    2026-01-08  LATE       CASH:EUR  LATE                  0  1000.00  1000.00        0
    2026-01-08  LATE       CASH:USD  LATE                  0  -888.00  -888.00        0
"""


def lines(table: str, names: int) -> list[tuple[object, ...]]:
    """A table written out, names before figures."""
    cells = [line.split() for line in table.split("\n") if line.strip()]
    return sorted((*line[:names], *map(Decimal, line[names:])) for line in cells)


def curve(day: date, value_date: date, rate: str, worth: str) -> dict[str, list[dict[str, object]]]:
    return {"forward_rates": [outright(day, value_date, rate)], "discount_factors": [factor(day, value_date, worth)]}


def test_what_is_learned_of_a_forward_late_is_a_correction() -> None:
    moved = PAIR | {"instrument_id": "MOVED", "product_line": "fx_forward", "maturity_date": THU}
    firm = SmallFirm(
        base="EUR",
        books=("KNOWN", "CLOSED", "LATE", "AMENDED", "CANCELLED", "MOVED"),
        instruments=[PAIR | {"instrument_id": "OUTRIGHT", "product_line": "fx_forward", "maturity_date": THU}, moved],
    )
    of_forward = {"instrument_id": "OUTRIGHT"}
    dealt = {
        book: trade(book, MON, 1000, "1.11", book_id=book, instrument_id="MOVED" if book == "MOVED" else "OUTRIGHT") for book in firm.books
    }
    firm.day(MON, [one for book, one in dealt.items() if book != "LATE"], {}, {"USD": "0.90"}, **curve(MON, THU, "1.12", "0.999"))
    corrected = curve(TUE, THU, "1.10", "0.999")
    corrected["forward_rates"].append(outright(MON, THU, "1.13"))
    firm.day(TUE, [trade("SOLD", TUE, -1000, "1.09", book_id="CLOSED", **of_forward)], {}, {"USD": "0.92"}, **corrected)

    # 19.98 dollars in place of 9.99, at 0.90: 17.98 euro in place of 8.99; the exposure 1,017.00 in place of 1,008.00.
    learned = (
        "select business_date, figure_date, event_type, event_id, exposure_amount_base, market_value_amount, market_value_amount_base,"
        " total_amount_base from marts.rpt_what_changed where book_id = 'KNOWN'"
    )
    assert rows(learned) == [
        (TUE, MON, "PRICE", "2026-01-05", 9, Decimal("9.99"), Decimal("8.99"), Decimal("8.99")),
    ]
    closed = (
        "select traded_quantity, agreed_amount, market_value_amount, market_value_amount_base, unrealised_amount from marts.fct_positions"
        " where book_id = 'CLOSED' and business_date = :day"
    )
    assert rows(closed, day=TUE) == [decimals((0, 20, "-19.98", "-18.38", "0.02"))]
    result = (
        "select new_trades_amount_base, realised_amount from marts.fct_profit_and_loss"
        " where book_id = 'CLOSED' and business_date = :day and instrument_id = 'OUTRIGHT'"
    )
    assert rows(result, day=TUE) == [decimals(("-9.19", -20))]

    firm.day(WED, [], {}, {"USD": "0.92"}, **curve(WED, THU, "1.15", "0.9999"))
    firm.day(THU, [], {}, {"USD": "0.80"})
    assert (value(CASH, book="CLOSED", currency="EUR"), value(CASH, book="CLOSED", currency="USD")) == (0, -20)
    later = [
        dealt["LATE"],
        dealt["AMENDED"] | {"version": 2, "event_type": "AMEND", "price": "1.10"},
        {"trade_id": "CANCELLED", "version": 2, "event_type": "CANCEL"},
    ]
    # The other forward is for Monday, and was not to be exchanged on Thursday.
    monday = date(2026, 1, 12)
    put_off = [{"name": "MOVED", "issuer_country_code": "US"} | moved | {"maturity_date": monday}]
    firm.day(FRI, later, {}, {"USD": "0.82"}, instruments=put_off, **curve(FRI, monday, "1.22", "1"))

    names = ("amended_trades", "cancelled_trades", "late_trades", "corporate_actions", "fx_transaction", "total")
    sums = ", ".join(f"{name}_amount_base" for name in names)
    found = rows(
        f"select book_id, instrument_id, {sums} from marts.fct_profit_and_loss where business_date = :day and book_id <> 'MOVED'", day=FRI
    )
    assert sorted(row for row in found if any(row[2:])) == lines(CORRECTED_ON_FRIDAY, 2)
    changed = rows(
        "select figure_date::text, book_id, instrument_id, event_type, changed_quantity, exposure_amount_base, market_value_amount_base,"
        " total_amount_base from marts.rpt_what_changed where business_date = :day and book_id <> 'MOVED'",
        day=FRI,
    )
    assert sorted(changed) == lines(LEARNED_ON_FRIDAY, 4)
    for book, dollars, euro in (("LATE", -1110, 1000), ("AMENDED", -1100, 1000), ("CANCELLED", 0, 0), ("MOVED", 0, 0)):
        assert (value(CASH, book=book, currency="USD"), value(CASH, book=book, currency="EUR")) == (dollars, euro), book
    # 1,220.00 less 1,110.00 dollars, at 0.82
    assert rows("select market_value_amount_base from marts.fct_positions where book_id = 'MOVED' and business_date = :day", day=FRI) == [
        decimals(("90.20",))
    ]
    firm.day(monday, [], {}, {"USD": "0.80"})
    assert (value(CASH, book="MOVED", currency="USD"), value(CASH, book="MOVED", currency="EUR")) == (-1110, 1000)
    assert value("select count(*) from marts.fct_positions where traded_quantity <> 0 and business_date = :day", day=monday) == 0
    identities = ["value_change_is_explained", "what_changed_leads_to_the_trades_in_force", "income_statement_is_managements_result",
                  "returns_are_of_the_positions_and_results", "balance_sheet_balances", "fct_trades", "fct_positions"]  # fmt: skip
    assert len(run_dbt(["test", "--select", *identities, "--exclude", "test_type:unit"], monday).results) >= len(identities)
    assert_books_tie()
    assert_rebuilt_the_same()


def asked(day: date) -> dict[str, list[str]]:
    """What the critical controls over forwards say of a date."""
    said: dict[str, list[str]] = {}
    with engine(Role.AUDITOR).connect() as connection:
        connection.execute(text(f"set posttrade.business_date = '{day}'"))
        for control in all_controls():
            if control.control_id in ("forward_rate_missing", "discount_factor_missing", "price_missing", "price_stale"):
                query = control.query.replace("{batch}", f"({BUSINESS_DATE_QUERY})")
                said[control.control_id] = [control.alert_message(row) for row in connection.execute(text(query)).mappings()]
    return {control_id: found for control_id, found in said.items() if found}


def test_nothing_is_assumed_beyond_the_last_quote() -> None:
    firm = forward_firm("B")
    value_of = "select market_value_amount, is_price_missing from marts.fct_positions where business_date = :day"
    bought = trade("1", MON, 1000, "1.11", instrument_id=OUTRIGHT)
    # Neither has ever been quoted so far. What is no forward rate and no forward trade is rejected.
    told = curve(MON, WED, "1.12", "0.999")
    firm.day(
        MON, [bought, bought | {"trade_id": "2", "settlement_date": FRI}], {OUTRIGHT: "1.12"}, {"USD": "0.90"},
        forward_rates=[*told["forward_rates"], outright(MON, MON, "1.11"), outright(MON, THU, "1", "USD/USD")],
        discount_factors=[*told["discount_factors"], factor(MON, MON, "1")],
    )  # fmt: skip
    assert asked(MON) == {
        "forward_rate_missing": [
            "EUR/USD for 2026-01-08: no outright rates of the date reach the value date; forwards stand at nothing, for none ever did."
        ],
        "discount_factor_missing": [
            "EUR/USD for 2026-01-08: no discount factors of USD of the date reach the value date;"
            " forwards stand at nothing, for none ever did."
        ],
    }
    assert rows(value_of, day=MON) == [(0, True)]
    # 20.00 x 0.998
    firm.day(TUE, [], {}, {"USD": "0.90"}, **curve(TUE, THU, "1.13", "0.998"))
    assert asked(TUE) == {}
    assert rows(value_of, day=TUE) == [(Decimal("19.96"), False)]
    # On the value date nothing is quoted for it any more.
    firm.day(WED, [], {}, {"USD": "0.90"}, **curve(WED, THU, "1.14", "0.999"))
    firm.day(THU, [trade("3", THU, 1000, "1.11", instrument_id=OUTRIGHT)], {}, {"USD": "0.90"})
    assert (asked(WED), asked(THU)) == ({}, {})
    assert rows("select kind, reason_code, field from operations.exceptions order by business_date, 1, 2") == [
        ("discount_factors", "NOT_AFTER_ITS_DATE", "value_date"),
        ("forward_rates", "NOT_AFTER_ITS_DATE", "value_date"),
        ("forward_rates", "SAME_CURRENCY", "notional_currency_code"),
        ("prices", "NOT_PRICED", "instrument_id"),
        ("trades", "OTHER_VALUE_DATE", "settlement_date"),
        ("trades", "NOT_BEFORE_VALUE_DATE", "trade_date"),
    ]
    assert_books_tie()


def test_without_a_curve_of_the_date_the_last_one_stands_until_it_is_told() -> None:
    firm = forward_firm("B")
    value_of = "select market_value_amount, price, discount_factor from marts.fct_positions where business_date = :day"
    firm.day(MON, [trade("1", MON, 1000, "1.11", instrument_id=OUTRIGHT)], {}, {"USD": "0.90"}, **curve(MON, THU, "1.12", "0.998"))
    firm.day(TUE, [], {}, {"USD": "0.90"}, **curve(TUE, WED, "1.15", "0.999"))
    assert asked(TUE) == {
        "forward_rate_missing": [
            "EUR/USD for 2026-01-08: no outright rates of the date reach the value date; forwards stand at the rate of 2026-01-05."
        ],
        "discount_factor_missing": [
            "EUR/USD for 2026-01-08: no discount factors of USD of the date reach the value date;"
            " forwards stand by the factor of 2026-01-05."
        ],
    }
    # 10.00 x 0.998, as on Monday
    assert rows(value_of, day=TUE) == [decimals(("9.98", "1.12", "0.998"))]
    # On Wednesday those of Tuesday come: 1.14 for Thursday and 0.996, 30.00 x 0.996 = 29.88 in place of 9.98; 17.91 euro more (26.892 -
    # 8.982).
    told = curve(TUE, THU, "1.14", "0.996")
    firm.day(
        WED, [], {}, {"USD": "0.90"},
        forward_rates=[*told["forward_rates"], outright(WED, THU, "1.16")],
        discount_factors=[*told["discount_factors"], factor(WED, THU, "0.999")],
    )  # fmt: skip
    assert asked(WED) == {}
    assert rows(value_of, day=WED) == [decimals(("49.95", "1.16", "0.999"))]
    assert rows(
        "select figure_date, event_type, event_id, market_value_amount, market_value_amount_base, total_amount_base"
        " from marts.rpt_what_changed"
    ) == [(TUE, "PRICE", "2026-01-06", Decimal("19.90"), Decimal("17.91"), Decimal("17.91"))]
    assert_books_tie()
