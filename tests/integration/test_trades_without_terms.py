"""A trade whose amounts cannot be worked out yet waits, the others go on, and once they can be it is booked in the open date."""

from datetime import date
from decimal import Decimal

import pytest
from integration.conftest import STEPS
from integration.recorded_dbt import recorded_dbt
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade, value
from sqlalchemy import text

from posttrade.controls.build import BUSINESS_DATE_QUERY
from posttrade.controls.catalogue import Control, all_controls
from posttrade.offices.derivations import build_middle_office
from posttrade.records.database import Role, engine

pytestmark = pytest.mark.usefixtures("fresh_database")
MONDAY, TUESDAY, WEDNESDAY = date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)
CONTROL, RATE_MISSING = (
    next(one for one in all_controls() if one.control_id == name) for name in ("trade_without_terms", "fx_rate_missing")
)
# Half-yearly from 15 July 2025 on actual days of 360.
FLOATER = {
    "instrument_id": "FL", "product_line": "bond_floating", "coupon_frequency": 2, "day_count": "ACT/360", "index_name": "X6M", "spread": 0,
    "issue_date": "2025-07-15", "maturity_date": "2030-07-15",
}  # fmt: skip
BOOKED = (
    "select replace(trade_id, 'CSV~', ''), trade_version, movement_sign, movement_type, net_amount from intermediate.int_trades__movements"
    " where business_date = :day and instrument_id <> 'I' order by 1, 2, 3"
)
STATUS = "select replace(trade_id, 'CSV~', ''), version, trade_status from marts.fct_trades where business_date = :day order by 1"
POSITION = (
    "select traded_quantity, market_value_amount, accrued_interest_amount from marts.fct_positions"
    " where business_date = :day and book_id = :book and instrument_id = 'FL'"
)
RESULT = "select sum(total_amount) from marts.fct_profit_and_loss where book_id = :book and business_date <= :day"


def alerts(day: date, control: Control = CONTROL) -> list[str]:
    with engine(Role.AUDITOR).connect() as connection:
        connection.execute(text(f"set posttrade.business_date = '{day}'"))
        found = connection.execute(text(control.query.replace("{batch}", f"({BUSINESS_DATE_QUERY})"))).mappings().all()
    return sorted(control.alert_message(row) for row in found)


def fixing(day: str, rate: str) -> dict[str, object]:
    return {"index_name": "X6M", "fixing_date": day, "rate": rate}


def test_a_trade_waits_for_the_fixing_of_its_bond() -> None:
    """175 days of 3.6 % on 1,000,000.00 are 17,500.00, paid with the bond on Tuesday; a day is 100.00."""
    firm = SmallFirm(books=("B", "AMENDED", "CANCELLED", "SHARE"), instruments=[FLOATER, {"instrument_id": "I"}])
    dealt = [
        trade("1", MONDAY, 1_000_000, "100", instrument_id="FL"),
        trade("2", MONDAY, 1_000_000, "99", book_id="AMENDED", instrument_id="FL"),
        trade("3", MONDAY, 1_000_000, "100", book_id="CANCELLED", instrument_id="FL"),
        trade("4", MONDAY, 10, "5", book_id="SHARE"),
    ]
    counts = firm.day(MONDAY, dealt, {"FL": "100", "I": "6"})
    assert counts["prepare_terms"]["held"] == 3
    # the share goes on
    assert value(RESULT, book="SHARE", day=MONDAY) == 10
    assert rows(BOOKED, day=MONDAY) == []
    assert rows(STATUS, day=MONDAY) == [("1", 1, "WITHOUT_TERMS"), ("2", 1, "WITHOUT_TERMS"), ("3", 1, "WITHOUT_TERMS"), ("4", 1, "ACTIVE")]
    needs = "is not in the books: accrued interest on 2026-01-06 needs the fixing of the period from 2025-07-15, X6M of 2025-07-15."
    assert CONTROL.severity == "critical"
    assert alerts(MONDAY) == [f"Version 1 of CSV~{one} in FL {needs}" for one in (1, 2, 3)]
    held_by = "select stage, held_by from marts.rpt_trade_lifecycle where trade_id = 'CSV~1'"
    assert [stage for stage, _ in rows(held_by)] == ["WAITING FOR TERMS"]
    assert value("select count(*) from operations.settlement_instructions where instrument_id = 'FL'") == 0

    changed = [
        trade("2", MONDAY, 1_000_000, "100", book_id="AMENDED", instrument_id="FL", version=2, event_type="AMEND"),
        trade("3", MONDAY, 1_000_000, "100", book_id="CANCELLED", instrument_id="FL", version=2, event_type="CANCEL"),
    ]
    firm.day(TUESDAY, changed, {"FL": "100", "I": "6"})
    assert rows(BOOKED, day=TUESDAY) == []
    assert rows(STATUS, day=TUESDAY) == [("2", 2, "WITHOUT_TERMS"), ("3", 2, "CANCELLED")]
    assert alerts(TUESDAY) == [
        f"Version 1 of CSV~1 in FL {needs}",
        f"Version 1 of CSV~2 in FL {needs}",
        f"Version 2 of CSV~2 in FL {needs}",
    ]

    known = firm.day(WEDNESDAY, [], {"FL": "100", "I": "6"}, index_fixings=[fixing("2025-07-15", "3.6")])
    assert known["prepare_terms"]["found"] == 4  # versions, also those that an amendment or a cancellation has replaced
    assert rows(BOOKED, day=WEDNESDAY) == [("1", 1, 1, "LATE", -1_017_500), ("2", 2, 1, "LATE", -1_017_500)]
    assert rows(STATUS, day=WEDNESDAY) == [("1", 1, "ACTIVE"), ("2", 2, "ACTIVE"), ("3", 2, "CANCELLED")]
    assert (alerts(WEDNESDAY), alerts(MONDAY) != []) == ([], True)
    # settled on Thursday, two days after the trade would have been
    for book in ("B", "AMENDED"):
        assert rows(POSITION, book=book, day=WEDNESDAY) == [(1_000_000, 1_000_000, 17_700)]
        assert value(RESULT, book=book, day=WEDNESDAY) == 200
    assert rows(POSITION, book="CANCELLED", day=WEDNESDAY) == []
    told = (
        "select figure_date, event_type, changed_quantity, market_value_amount, accrued_interest_amount, total_amount"
        " from marts.rpt_what_changed where business_date = :day and book_id = 'B' and instrument_id = 'FL' order by 1"
    )
    assert rows(told, day=WEDNESDAY) == [
        (MONDAY, "LATE", 1_000_000, 1_000_000, 17_500, 0),
        (TUESDAY, "LATE", 1_000_000, 1_000_000, 17_600, 100),
    ]
    instructed = "select trade_id, trade_version from operations.settlement_instructions where instrument_id = 'FL' order by 1"
    assert rows(instructed) == [("CSV~1", 1), ("CSV~2", 2)]
    assert_books_tie()


def test_a_fixing_that_comes_before_the_close_leaves_no_trace_in_the_books() -> None:
    """And an amendment that cannot be worked out leaves what it amends as it is."""
    other = FLOATER | {"instrument_id": "OTHER", "index_name": "Y6M"}
    firm = SmallFirm(instruments=[FLOATER, other, {"instrument_id": "I"}])
    for kind, lines in firm._reference().items():
        firm.deliver(MONDAY, kind, lines)
    firm.deliver(MONDAY, "trades", [trade("1", MONDAY, 1_000_000, "100", instrument_id="FL")])
    firm.deliver(MONDAY, "prices", [{"instrument_id": "FL", "price_date": MONDAY, "price": "100", "currency_code": "USD"}])
    with recorded_dbt():
        for step, role in STEPS:
            step(MONDAY, engine(role))
            if step is build_middle_office:
                break
    assert rows(BOOKED, day=MONDAY) == []
    assert len(alerts(MONDAY)) == 1
    firm.is_known = True
    firm.day(MONDAY, [], None, index_fixings=[fixing("2025-07-15", "3.6")])
    assert rows(BOOKED, day=MONDAY) == [("1", 1, 1, "NEW", -1_017_500)]
    assert alerts(MONDAY) == []
    assert value("select count(*) from operations.settlement_instructions") == 1

    # it was in another bond, whose rate nobody knows yet
    amended = trade("1", MONDAY, 2_000_000, "100", instrument_id="OTHER", version=2, event_type="AMEND")
    firm.day(TUESDAY, [amended], {"FL": "100"})
    assert rows(BOOKED, day=TUESDAY) == []
    assert rows(POSITION, book="B", day=TUESDAY) == [(1_000_000, 1_000_000, 17_600)]
    assert rows(STATUS, day=TUESDAY) == [("1", 1, "ACTIVE")]
    assert alerts(TUESDAY) == [
        "Version 2 of CSV~1 in OTHER is not in the books: accrued interest on 2026-01-06 needs the fixing of the period from 2025-07-15,"
        " Y6M of 2025-07-15."
    ]
    # 175 days of 7.2 % on 2,000,000.00
    firm.day(WEDNESDAY, [], {"OTHER": "100"}, index_fixings=[fixing("2025-07-15", "7.2") | {"index_name": "Y6M"}])
    assert rows(BOOKED, day=WEDNESDAY) == [("1", 1, -1, "AMENDMENT", 1_017_500), ("1", 2, 1, "AMENDMENT", -2_070_000)]
    assert alerts(WEDNESDAY) == []
    assert_books_tie()


def test_a_trade_waits_for_the_rate_of_its_currency() -> None:
    """10 at 5.00 CHF and a fee of 1.00 at 1.05; a rate of CHF to another currency than the base is none."""
    firm = SmallFirm(
        base="EUR",
        instruments=[
            {"instrument_id": "I", "currency_code": "CHF"},
            {"instrument_id": "E", "currency_code": "EUR"},
            {
                "instrument_id": "FX", "product_line": "fx_spot", "market_mic": "XOFF", "currency_code": "EUR",
                "notional_currency_code": "CHF",
            },
        ],
    )  # fmt: skip
    dealt = [
        trade("1", MONDAY, 10, "5", currency_code="CHF", fee_amount="1"),
        trade("2", MONDAY, 10, "5", instrument_id="E", currency_code="EUR"),
        trade("3", MONDAY, 100, "1.04", instrument_id="FX", currency_code="EUR"),
    ]  # fmt: skip
    to_another = {"currency_code": "CHF", "base_currency_code": "USD", "rate_date": MONDAY, "rate": "1.2"}
    counts = firm.day(MONDAY, dealt, {"I": "6", "E": "6"}, fx_rates=[to_another])
    assert counts["prepare_terms"]["held"] == 2
    assert rows(STATUS, day=MONDAY) == [("1", 1, "WITHOUT_TERMS"), ("2", 1, "ACTIVE"), ("3", 1, "WITHOUT_TERMS")]
    needs = "is not in the books: no exchange rate of CHF to EUR is known."
    assert alerts(MONDAY) == [f"Version 1 of CSV~1 in I {needs}", f"Version 1 of CSV~3 in FX {needs}"]
    assert alerts(MONDAY, RATE_MISSING) == ["There is no exchange rate of CHF to EUR."]

    known = firm.day(TUESDAY, [], {"I": "6", "E": "6"}, {"CHF": "1.05"})
    assert known["prepare_terms"]["found"] == 2
    booked = (
        "select replace(trade_id, 'CSV~', ''), movement_type, net_amount, net_amount_base, exchanged_amount"
        " from intermediate.int_trades__movements where business_date = :day order by 1"
    )
    # 51.00 CHF are 53.55; 104.00 were paid for 100.00 CHF, which are worth 105.00
    assert rows(booked, day=TUESDAY) == [
        ("1", "LATE", -51, Decimal("-53.55"), None),
        ("3", "LATE", -104, -104, 100),
    ]
    assert (alerts(TUESDAY), alerts(TUESDAY, RATE_MISSING)) == ([], [])
    assert value("select sum(total_amount_base) from marts.fct_profit_and_loss where business_date = :day", day=TUESDAY) == Decimal("10.45")
    assert_books_tie()
