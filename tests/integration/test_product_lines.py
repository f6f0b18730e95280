"""Every product line through the close, at published values (tests/data/conformance) where there are any."""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from decimal_books import cents
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, tripped, value

from posttrade.procedures.schema import load_procedures

pytestmark = pytest.mark.usefixtures("fresh_database")
ANSWERS = Path(__file__).parents[1] / "data" / "conformance"
ACCRUED_OF_TRADES = "select trade_id, accrued_amount from intermediate.int_trades__movements where business_date = :day"
COUPONS = (
    "select instrument_id, ex_date, pay_date, entitled_quantity, gross_amount from marts.fct_income where business_date = :day order by 1"
)
HELD = "select {} from marts.fct_positions where business_date = :day and instrument_id = :instrument_id"
RESULT = "select {} from marts.fct_profit_and_loss where business_date = :day and instrument_id = :instrument_id"


def published(file: str, bond: str, question: str, on_date: str, nominal: int) -> Decimal:
    """The published amount, to the cent, for a nominal; those of amortising bonds are of the original one."""
    with (ANSWERS / f"{file}.csv").open(encoding="utf-8", newline="") as lines:
        found = [row for row in csv.DictReader(lines) if (row["bond"], row["question"], row["on_date"]) == (bond, question, on_date)]
    (row,) = found
    per = Decimal(row.get("nominal") or 100)
    return cents(Decimal(row.get("expected_amount") or row["expected_percent"]) / per * nominal)


GILT = "UK gilt 8% 2021 GB0009997999"
IN_2013 = (
    {
        "instrument_id": "GILT", "product_line": "bond_fixed", "currency_code": "GBP", "market_mic": "XLON", "issuer_country_code": "GB",
        "coupon_rate": 8, "coupon_frequency": 2, "day_count": "ACT/ACT ICMA", "issue_date": "1996-02-29",
        "first_coupon_date": "1996-06-07", "maturity_date": "2021-06-07", "ex_coupon_days": 6, "ex_coupon_calendar": "UK-SETTLEMENT",
    },
    {"instrument_id": "ETF", "product_line": "etf", "market_mic": "ARCX"},
    {"instrument_id": "FUND", "product_line": "fund", "market_mic": "XNAS"},
)  # fmt: skip


def test_a_gilt_goes_ex_before_its_coupon_and_funds_stand_at_their_last_value() -> None:
    """Gilts go ex six business days before the coupon of 7 June; London settled on the third day, over the holiday of 27 May."""
    firm = SmallFirm(instruments=IN_2013)
    cum, ex = date(2013, 5, 23), date(2013, 5, 24)
    gilt = {"instrument_id": "GILT", "currency_code": "GBP"}
    quoted = {"GILT": ("GBP", cum, 140), "ETF": ("USD", cum, "51.00"), "FUND": ("USD", date(2013, 5, 21), "100.20")}
    prices = [
        {"instrument_id": name, "price_date": day, "price": price, "currency_code": currency}
        for name, (currency, day, price) in quoted.items()
    ]
    firm.deliver(cum, "prices", prices)
    firm.day(
        cum,
        [
            trade("G1", cum, 1_000_000, 140, **gilt),
            trade("E1", cum, 100, "50.00", instrument_id="ETF", fee_amount="1.00"),
            trade("F1", cum, "12.345", "100.00", instrument_id="FUND"),
        ],
        rates={"GBP": "1.50"},
    )
    accrued = published("bond_terms", GILT, "accrued", "2013-05-29", 1_000_000)
    assert accrued == Decimal("38021.98")
    assert dict(rows(ACCRUED_OF_TRADES, day=cum)) == {"CSV~G1": accrued, "CSV~E1": 0, "CSV~F1": 0}
    assert value(HELD.format("accrued_interest_amount"), day=cum, instrument_id="GILT") == accrued
    assert rows(HELD.format("market_value_amount, price_date"), day=cum, instrument_id="FUND") == [
        (cents(Decimal("12.345") * Decimal("100.20")), date(2013, 5, 21))
    ]
    assert tripped("price_stale", cum) == set()
    assert value(RESULT.format("total_amount"), day=cum, instrument_id="ETF") == 99

    # Bought ex, and sold cum: the sale settles a day before the others, and its buyer is paid the coupon.
    firm.day(
        ex,
        [trade("G2", ex, 500_000, 140, **gilt), trade("G3", ex, -200_000, 140, settlement_date="2013-05-29", **gilt)],
        {"GILT": 140, "ETF": "51.00"},
        {"GBP": "1.60"},
        corporate_actions=[{
            "event_id": "ETF-1", "instrument_id": "ETF", "event_type": "CASH_DIVIDEND", "event_status": "ANNOUNCED", "ex_date": ex,
            "pay_date": ex, "amount_per_unit": "0.25", "currency_code": "USD",
        }],
    )  # fmt: skip
    rebate = published("bond_terms", GILT, "accrued", "2013-05-30", 500_000)
    assert rebate == Decimal("-879.12")
    assert dict(rows(ACCRUED_OF_TRADES, day=ex)) == {
        "CSV~G2": rebate,
        "CSV~G3": -published("bond_terms", GILT, "accrued", "2013-05-29", 200_000),
    }
    assert rows(COUPONS, day=ex) == [("ETF", ex, ex, 100, 25), ("GILT", ex, date(2013, 6, 7), 800_000, 32_000)]
    negative = published("bond_terms", GILT, "accrued", "2013-05-30", 1_300_000)
    assert rows(HELD.format("traded_quantity, accrued_interest_amount"), day=ex, instrument_id="GILT") == [(1_300_000, negative)]
    # One day's interest on what stays entitled: 800,000 x 4 / 182 %.
    assert abs(value(RESULT.format("accrual_amount"), day=ex, instrument_id="GILT") - Decimal("175.82")) <= Decimal("0.02")
    assert_books_tie()


EURO = {"currency_code": "EUR", "market_mic": "XETR", "issuer_country_code": "DE"}
TARGET = {"accrual_convention": "Following", "payment_convention": "Following", "business_calendar": "TARGET"}
FIVE_YEARS = {"issue_date": "2016-02-03", "maturity_date": "2021-02-03"}
FLOATING = EURO | TARGET | {
    "product_line": "bond_floating", "coupon_frequency": 2, "day_count": "ACT/360", "index_name": "EURIBOR-6M", "spread": 1,
    "fixing_days": 2,
}  # fmt: skip
IN_2017 = (
    {"instrument_id": "FLOAT"} | FLOATING | FIVE_YEARS,
    {"instrument_id": "UNFIXED"} | FLOATING | FIVE_YEARS | {"index_name": "OTHER-6M", "spread": ""},
    {"instrument_id": "AMORT", "product_line": "bond_amortising", "coupon_rate": 5, "coupon_frequency": 1, "day_count": "ACT/ACT ISDA"}
    | EURO | TARGET | FIVE_YEARS,
    {"instrument_id": "FIXED", "product_line": "bond_fixed", "coupon_rate": 5, "coupon_frequency": 1, "day_count": "ACT/ACT ISDA"}
    | EURO | TARGET | FIVE_YEARS,
    {"instrument_id": "ODD", "product_line": "bond_fixed", "coupon_rate": 4, "coupon_frequency": 2, "day_count": "ACT/ACT ICMA",
     "issue_date": "2017-01-17", "first_coupon_date": "2017-08-31", "maturity_date": "2026-02-28"} | EURO,
    {"instrument_id": "BUND", "product_line": "bond_fixed", "coupon_rate": 4, "coupon_frequency": 1, "day_count": "ACT/ACT ICMA",
     "issue_date": "2005-01-28", "first_coupon_date": "2006-01-04", "maturity_date": "2037-01-04"} | EURO,
    {"instrument_id": "ZERO", "product_line": "bond_zero", "issue_date": "2016-01-04", "maturity_date": "2026-01-04"} | EURO,
)  # fmt: skip
FLOATER, AMORTISER = "Bond_Amortizing_Floating_Annuity", "Bond_Amortizing_FixedAmount"
LONG_FIRST = "EOM bond, long first coupon (rate 4% chosen by us)"


def bought(name: str, instrument_id: str, traded: str, quantity: int, settled: str = "", price: object = 100) -> dict[str, object]:
    return trade(name, traded, quantity, price, instrument_id=instrument_id, currency_code="EUR", settlement_date=settled)


def test_bonds_of_every_kind_accrue_pay_and_are_corrected() -> None:
    """The coupons of 3 February 2017 go ex on 1 February; a fixing comes late, another is corrected."""
    firm = SmallFirm(base="EUR", instruments=IN_2017)
    first, ex, third = date(2017, 1, 31), date(2017, 2, 1), date(2017, 2, 2)
    prices: dict[str, object] = {str(one["instrument_id"]): 90 if one["instrument_id"] == "ZERO" else 100 for one in IN_2017}
    firm.day(
        first,
        [
            bought("1", "FLOAT", "2016-02-03", 10_000_000),
            bought("2", "AMORT", "2016-02-03", 10_000_000),
            bought("3", "FIXED", "2016-02-03", 10_000_000),
            bought("4", "ODD", "2017-01-31", 1_000_000, "2017-04-15"),
            bought("5", "BUND", "2017-01-31", 1_000_000),
            bought("6", "ZERO", "2017-01-31", 1_000_000, price=90),
            bought("7", "UNFIXED", "2016-08-01", 1_000_000),  # settles on the first day of a period
        ],
        prices,
        index_fixings=[
            {"index_name": "EURIBOR-6M", "fixing_date": "2016-02-01", "rate": "0.01"},
            {"index_name": "EURIBOR-6M", "fixing_date": "2016-08-01", "rate": "1.94830517"},
        ],
        bond_repayments=[
            {"instrument_id": "AMORT", "repayment_date": f"{year}-02-03", "repaid_percent": 10} for year in (2017, 2018, 2019, 2020)
        ],
    )
    assert dict(rows(ACCRUED_OF_TRADES, day=first)) == {
        "CSV~1": published("floating_bonds", FLOATER, "accrued", "2016-02-05", 10_000_000),
        "CSV~2": Decimal("2732.24"),  # the same cash flow as FIXED
        "CSV~3": published("bond_terms", "Bond_Fixed", "accrued", "2016-02-05", 10_000_000),
        "CSV~4": published("bonds", LONG_FIRST, "accrued", "2017-04-15", 1_000_000),
        "CSV~5": cents(Decimal(1_000_000) * 4 / 100 * 29 / 365),  # from 4 January to 2 February
        "CSV~6": 0,
        "CSV~7": 0,
    }
    assert rows(COUPONS, day=first) == []  # the coupon of August went ex before the firm's calendar begins
    assert rows(HELD.format("market_value_amount, accrued_interest_amount"), day=first, instrument_id="ZERO") == [(900_000, 0)]
    assert tripped("bond_without_accrual", first) == {"UNFIXED"}
    assert tripped("coupon_not_fixed", first) == set()
    redemptions = "select instrument_id, array_agg(redemption_percent order by coupon_date) from books.bond_coupons group by 1"
    assert {name: [int(one) for one in parts if one] for name, parts in rows(redemptions)} == {
        "FLOAT": [100], "UNFIXED": [100], "FIXED": [100], "ODD": [100], "BUND": [100], "ZERO": [100], "AMORT": [10, 10, 10, 10, 60],
    }  # fmt: skip

    firm.day(ex, [], prices)
    winter = published("floating_bonds", FLOATER, "coupon", "2017-02-03", 10_000_000)
    pay_date = date(2017, 2, 3)
    assert rows(COUPONS, day=ex) == [
        ("AMORT", ex, pay_date, 10_000_000, published("bond_terms", AMORTISER, "coupon", "2017-02-03", 10_000_000)),
        ("FIXED", ex, pay_date, 10_000_000, Decimal("500123.51")),
        ("FLOAT", ex, pay_date, 10_000_000, winter),
    ]
    assert value(HELD.format("accrued_interest_amount"), day=ex, instrument_id="FLOAT") == 0
    assert tripped("coupon_not_fixed", ex) == {"UNFIXED"}
    # Of what stays outstanding after the first repayment: the published coupon of 2018 on nine of ten millions.
    of_2018 = value("select coupon_percent from books.bond_coupons where instrument_id = 'AMORT' and coupon_date = '2018-02-05'")
    assert cents(of_2018 * 90_000) == published("bond_terms", AMORTISER, "coupon", "2018-02-05", 10_000_000)

    # The fixing of the new period, a correction of the old one, the one that was missing, and a trade that still settles cum.
    firm.day(
        third,
        [bought("8", "FLOAT", "2017-02-02", 1_000_000, "2017-02-02")],
        prices,
        index_fixings=[
            {"index_name": "EURIBOR-6M", "fixing_date": "2017-02-01", "rate": "-0.50"},
            {"index_name": "EURIBOR-6M", "fixing_date": "2016-08-01", "rate": "1.94"},
            {"index_name": "OTHER-6M", "fixing_date": "2016-08-01", "rate": "1.80"},
            {"index_name": "OTHER-6M", "fixing_date": "2017-02-01", "rate": "1.80"},
        ],
    )
    corrected = cents(Decimal(11_000_000) * Decimal("2.94") / 100 * 184 / 360)
    assert rows(COUPONS, day=third) == [
        ("FLOAT", ex, pay_date, 1_000_000, corrected - winter),
        ("UNFIXED", ex, pay_date, 1_000_000, cents(Decimal(1_000_000) * Decimal("1.80") / 100 * 184 / 360)),
    ]
    assert dict(rows(ACCRUED_OF_TRADES, day=third)) == {"CSV~8": cents(Decimal(1_000_000) * Decimal("2.94") / 100 * 183 / 360)}
    assert value(HELD.format("accrued_interest_amount"), day=third, instrument_id="FLOAT") == cents(
        Decimal(11_000_000) * Decimal("0.50") / 100 * 3 / 360
    )
    assert tripped("bond_without_accrual", third) | tripped("coupon_not_fixed", third) == set()
    # What was reported of the closed dates still stands, and says what was known then.
    assert tripped("coupon_not_fixed", ex) == {"UNFIXED"}
    lines = {str(one["product_line"]) for one in (*IN_2013, *IN_2017)}
    assert lines == {"etf", "fund"} | {one.product_line for one in load_procedures() if one.bond and not one.valuation.fixed_price}
    assert_books_tie()
