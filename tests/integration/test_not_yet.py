"""What has not happened yet is not taken: a price, rate, fixing, statement, movement or status of a day after the business date."""

from datetime import date
from decimal import Decimal

import pytest
from integration.small_firm import SmallFirm, assert_books_tie, rows, trade
from loading_helpers import MONDAY, deliver, found, loader, open_firm
from sqlalchemy import text

from posttrade.messages.contracts import CONTRACTS
from posttrade.offices.front_office import record_market_data, record_reference_data, record_statements
from posttrade.records.database import Role, engine

pytestmark = pytest.mark.usefixtures("fresh_database")
INSTRUCTION = (
    "insert into operations.settlement_instructions (instruction_id, trade_id, trade_version, function, book_id, account_id, instrument_id,"
    " counterparty_id, quantity, amount, currency_code, trade_date, settlement_date, place_of_settlement_bic, custody_account_number,"
    " cash_account_id, business_date)"
    " values ('PT1', 'CSV~1', 1, 'NEWM', 'BK', 'AC', 'SAP', 'CU', 1, -1, 'EUR', :day, :day, 'DEUTDEFF', '1', 'C', :day)"
)
# A row of each kind, with the column of its day.
OBSERVED = {
    "prices": ("price_date", "SAP,{day},5,EUR"),
    "fx_rates": ("rate_date", "USD,EUR,{day},0.9"),
    "forward_rates": ("rate_date", "EUR,USD,{day},2026-04-07,1.1"),
    "discount_factors": ("factor_date", "USD,{day},2026-04-07,0.99"),
    "index_fixings": ("fixing_date", "EURIBOR-6M,{day},2.1"),
    "custodian_positions": ("statement_date", "CU,AC,SAP,{day},10"),
    "bank_balances": ("statement_date", "C,{day},10,EUR"),
    "collateral_movements": ("movement_date", "M{day},SAP,BK,AC,SAP,{day},10"),
    "settlement_statuses": ("status_date", "S{day},PT1,PENDING,{day},0,0,"),
}


@pytest.mark.parametrize("kind", OBSERVED)
def test_a_row_of_the_day_is_recorded_and_one_of_the_next_is_not(kind: str) -> None:
    open_firm()
    deliver(MONDAY, "cash_accounts", ["C,CU,EUR,DE89370400440532013000"])
    record_reference_data(MONDAY, loader())
    with engine(Role.OPERATOR).begin() as connection:
        connection.execute(text(INSTRUCTION), {"day": MONDAY})
    column, row = OBSERVED[kind]
    deliver(MONDAY, kind, [row.format(day=day) for day in ("2026-01-05", "2026-01-06")])
    counts = {step: step(MONDAY, loader()) for step in (record_market_data, record_statements)}
    assert [sum(one[name] for one in counts.values()) for name in ("recorded", "rejected")] == [1, 1]
    assert found("select reason_code, field, value, reason from operations.exceptions") == [
        ("IN_THE_FUTURE", column, "2026-01-06", f"{kind}.csv, line 3: {column} 2026-01-06 lies after the business date.")
    ]
    assert found(f"select {column} from {CONTRACTS[kind].table}") == [(MONDAY,)]


def test_a_price_and_a_rate_told_a_day_early_change_nothing() -> None:
    """Friday's file has Monday's price and rate, too. Of Monday none is delivered: its positions stand at Friday's."""
    friday, monday, tuesday = (date(2026, 1, day) for day in (9, 12, 13))
    firm = SmallFirm(instruments=[{"instrument_id": "S"}, {"instrument_id": "E", "currency_code": "EUR"}])
    prices = [
        {"instrument_id": name, "price_date": day, "price": price, "currency_code": currency}
        for name, currency in (("S", "USD"), ("E", "EUR")) for day, price in ((friday, "10"), (monday, "12"))
    ]  # fmt: skip
    rates = [
        {"currency_code": "EUR", "base_currency_code": "USD", "rate_date": day, "rate": rate}
        for day, rate in ((friday, "1.10"), (monday, "1.20"))
    ]
    bought = [trade("1", friday, 100, "10", instrument_id="S"), trade("2", friday, 100, "10", instrument_id="E", currency_code="EUR")]
    firm.deliver(friday, "prices", prices)
    firm.deliver(friday, "fx_rates", rates)
    assert firm.day(friday, bought)["record_market_data"] == {"recorded": 3, "known": 0, "rejected": 3, "refused": 0}
    firm.day(monday)
    stands = "select instrument_id, price, price_date, fx_rate from marts.fct_positions where business_date = :day order by 1"
    assert rows(stands, day=monday) == [("E", 10, friday, Decimal("1.10")), ("S", 10, friday, 1)]
    late = [trade("3", monday, 1, "12", instrument_id="S"), trade("4", monday, 1, "12", instrument_id="E", currency_code="EUR")]
    firm.day(tuesday, late)
    # Only the late trades change Monday: 1 at 10.00, for 12.00; in euro at 1.10, 11.00 and -2.20.
    assert rows(
        "select figure_date, instrument_id, event_id, changed_quantity, market_value_amount_base, total_amount_base"
        " from marts.rpt_what_changed where instrument_id in ('E', 'S') order by 2"
    ) == [
        (monday, "E", "CSV~4", 1, 11, Decimal("-2.20")),
        (monday, "S", "CSV~3", 1, 10, -2),
    ]
    assert_books_tie()
