"""Controls over books and ledger on a small closed firm: each planted fault trips its control, the day without it does not.

The firm is closed once; every case works in a transaction that is rolled back.
"""

from collections.abc import Iterator
from datetime import date

import pytest
import sqlalchemy
from environment_of_tests import new_database
from expectations.test_controls_trip import TRIPS
from integration.conftest import close_day
from sqlalchemy import text

from posttrade.controls.build import BUSINESS_DATE_QUERY
from posttrade.controls.catalogue import Suite, all_controls
from posttrade.offices import controls, settlement
from posttrade.records.database import Role, administrator_url, engine
from posttrade.settings import get_settings
from posttrade.simulator.answers import answer
from posttrade.simulator.world import write_world

CONTROLS = {control.control_id: control for control in all_controls()}
DAY = date(2026, 1, 6)
D = f"'{DAY}'"
# One row of the marts to change or copy: what is held today.
HELD = f"(select ctid from marts.fct_positions where business_date = {D} and traded_quantity > 0 and product_line = 'equity' limit 1)"
BOND = f"(select ctid from marts.fct_positions where business_date = {D} and traded_quantity > 0 and product_line = 'bond_fixed' limit 1)"
ANY_TRADE = "(select trade_id from operations.settlement_instructions where function = 'NEWM' limit 1)"
PAYMENT = (
    "insert into operations.payments (payment_id, entitlement_id, client_id, account_id, book_id, instrument_id, gross_amount,"
    " withholding_amount, amount, currency_code, creditor_name, creditor_iban, creditor_bic, cash_account_id, pay_date, maker,"
    f" business_date) values ('PY1', 'E', 'C', 'A', 'B', 'I', 1, 0, 1, 'EUR', 'n', 'i', 'b', 'c', {D}, 'maker', {D})"
)
# Around the triggers, which refuse entries that do not balance, and any entry or instruction of a closed date.
BY_HAND = "set local session_replication_role = replica"
ENTRY = (
    "insert into ledger.journal_entries (entry_id, event_id, event_type, sequence_no, content_sha, business_date)"
    f" values (md5('x')::uuid, 'X', 'TRADE', 1, 'x', {D})"
)


def forward_quoted(rate_date: str, factor_date: str) -> list[str]:
    """A share that is held becomes a forward for March, valued by quotes of two dates."""
    return [
        f"update marts.fct_positions set agreed_amount = 1 where ctid = {HELD}",
        "update intermediate.int_reference__instruments_known set notional_currency_code = 'EUR', maturity_date = '2026-03-02' where"
        f" business_date = {D} and instrument_id in (select instrument_id from marts.fct_positions where agreed_amount = 1)",
        "insert into intermediate.int_market__forwards (business_date, instrument_id, rate_date, factor_date)"
        f" select {D}, instrument_id, {rate_date}, {factor_date} from marts.fct_positions where agreed_amount = 1",
    ]


# control -> statements that plant the fault
PLANTED: dict[str, list[str]] = {
    "book_in_the_red": [
        "update marts.fct_profit_and_loss set price_amount_base = -1e9, total_amount_base = -1e9 where ctid = (select ctid from"
        f" marts.fct_profit_and_loss where business_date = {D} and book_id = (select book_id from marts.fct_profit_and_loss"
        f" where business_date = {D} group by book_id having sum(total_amount_base) >= 0 limit 1) limit 1)"
    ],
    "loss_limit_breached": [
        "update marts.fct_limit_utilisation set is_breached = true where ctid = (select ctid from marts.fct_limit_utilisation"
        f" where business_date = {D} and limit_type = 'LOSS' limit 1)"
    ],
    "position_limit_breached": [
        "update marts.fct_limit_utilisation set is_breached = true where ctid = (select ctid from marts.fct_limit_utilisation"
        f" where business_date = {D} and limit_type = 'POSITION' limit 1)"
    ],
    "price_missing": [f"update marts.fct_positions set is_price_missing = true where ctid = {HELD}"],
    "forward_rate_missing": forward_quoted(f"{D}::date - 1", D),
    "discount_factor_missing": forward_quoted(D, "null"),
    "forward_held_after_its_date": [
        "update intermediate.int_reference__instruments_known set exchanges_at_maturity = true, maturity_date = business_date where"
        f" business_date = {D} and instrument_id = (select instrument_id from marts.fct_positions where ctid = {HELD})"
    ],
    "price_stale": [f"update marts.fct_positions set price_date = price_date - 7 where ctid = {HELD}"],
    "price_outlier": [  # beyond the move of a bond, within that of a share
        "update intermediate.int_market__closing_prices set price = price * 1.06 where ctid = (select prices.ctid from"
        " intermediate.int_market__closing_prices as prices inner join intermediate.int_reference__instruments_known as known"
        f" using (business_date, instrument_id) where business_date = {D} and product_line = 'bond_fixed' and not is_price_stale limit 1)",
    ],
    "price_in_other_currency": [
        "update intermediate.int_market__closing_prices set currency_code = 'JPY' where ctid = (select ctid from"
        f" intermediate.int_market__closing_prices where business_date = {D} limit 1)"
    ],
    "negative_settled_position": [f"update marts.fct_positions set settled_quantity = -1e6 where ctid = {HELD}"],
    "components_do_not_add_up": [
        "update marts.fct_profit_and_loss set price_amount_base = price_amount_base + 0.01 where ctid = (select ctid from"
        f" marts.fct_profit_and_loss where business_date = {D} limit 1)"
    ],
    "position_is_not_its_lots": [
        "update marts.fct_lots set cost_amount = cost_amount + 0.01"
        f" where ctid = (select ctid from marts.fct_lots where business_date = {D} limit 1)"
    ],
    "lot_not_named": [
        "insert into intermediate.int_lots__named_lots_missed (business_date, book_id, account_id, instrument_id, trade_id,"
        f" closes_trade_id, other_lots_quantity, opened_quantity) values ({D}, 'B', 'A', 'I', 'CSV~2', 'CSV~1', 0, 3)"
    ],
    "trade_rate_off_market": [
        "update intermediate.int_trades__movements set fx_rate = fx_rate * 1.06 where ctid = (select ctid from"
        f" intermediate.int_trades__movements where business_date = {D} and movement_sign = 1 limit 1)"
    ],
    "option_expired_in_the_money": [
        # a call at 0.01 on something that is worth more
        "update intermediate.int_reference__instruments_known set option_type = 'CALL', strike_price = 0.01, underlying_instrument_id ="
        f" instrument_id where ctid = (select ctid from intermediate.int_reference__instruments_known where business_date = {D} limit 1)",
        "insert into marts.fct_corporate_actions (business_date, event_id, book_id, account_id, instrument_id, event_type,"
        f" ex_date, entitled_quantity) select {D}, 'EXP', 'B', 'A', instrument_id, 'EXPIRY', {D}, 1"
        f" from intermediate.int_reference__instruments_known where business_date = {D} and option_type = 'CALL'",
    ],
    "option_not_adjusted": [
        # what is held is an option on what splits today
        "update intermediate.int_reference__instruments_known set option_type = 'CALL', underlying_instrument_id = 'SPLITS'"
        f" where business_date = {D} and instrument_id = (select instrument_id from marts.fct_positions where ctid = {HELD})",
        "insert into intermediate.int_corporate_actions__terms_known (business_date, event_id, event_type, instrument_id, account_id,"
        f" book_id, ex_date, new_units, old_units) values ({D}, 'S', 'SPLIT', 'SPLITS', '', '', {D}, 2, 1)",
    ],
    "exercise_beyond_holding": [
        "alter table books.corporate_actions disable trigger date_is_open",
        "insert into books.corporate_actions (event_id, instrument_id, event_type, event_status, ex_date, pay_date, currency_code,"
        " account_id, book_id, exercised_quantity, business_date, revision, content_sha, file_id, line_no) values ('EX', 'I',"
        f" 'OPTION_EXERCISE', 'ANNOUNCED', {D}, {D}, 'EUR', 'A', 'B', 3, {D}, 1, 'x', 'f', 1)",
    ],
    "result_unexplained": [
        "update marts.fct_profit_and_loss set residual_amount = 0.01 where ctid = (select ctid from marts.fct_profit_and_loss"
        f" where business_date = {D} limit 1)"
    ],
    "position_is_not_its_trades": [f"update marts.fct_positions set traded_quantity = traded_quantity + 1 where ctid = {HELD}"],
    "held_after_its_end": [  # what is held expired the day before
        "insert into intermediate.int_corporate_actions__terms_known (business_date, event_id, event_type, instrument_id, account_id,"
        f" book_id, ex_date, closed_fraction) select {D}, 'EXP', 'EXPIRY', instrument_id, '', '', {D}, 1 from marts.fct_positions"
        f" where ctid = {HELD}",
    ],
    "bond_without_accrual": [f"update marts.fct_positions set accrued_interest_amount = null where ctid = {BOND}"],
    "trade_without_terms": [
        "alter table books.trades_without_terms disable trigger date_is_open",
        "insert into books.trades_without_terms (trade_id, version, instrument_id, reason, business_date) values ('CSV~X', 1, 'I',"
        f" 'accrued interest needs the fixing of 2025-07-15', {D})",
    ],
    "coupon_not_fixed": [  # goes ex today, on a bond held since yesterday
        "insert into books.bond_coupons (instrument_id, terms_sha, coupon_date, period_start_date, ex_date, pay_date, redemption_percent)"
        f" select instrument_id, terms_sha, {D}, '2025-01-07', standard_settlement_date, {D}, 0"
        " from intermediate.int_reference__instruments_known as bonds"
        f" where accrues_interest and business_date = {D} and (select sum(quantity) from intermediate.int_trades__movements as movements"
        " where movements.instrument_id = bonds.instrument_id and movements.business_date = '2026-01-05') <> 0 limit 1"
    ],
    "position_break": [
        "insert into marts.fct_breaks (business_date, break_id, break_type, account_id, instrument_id, cash_account_id, currency_code,"
        f" our_amount, their_amount, difference_amount, first_business_date, age_days) values ({D}, 'x', 'POSITION', 'A', 'I', '', '',"
        f" 1, 2, -1, {D}, 0)"
    ],
    "cash_break": [
        "insert into marts.fct_breaks (business_date, break_id, break_type, account_id, instrument_id, cash_account_id, currency_code,"
        f" our_amount, their_amount, difference_amount, first_business_date, age_days) values ({D}, 'x', 'CASH', '', '', 'C', 'EUR',"
        f" 1, 2, -1, {D}, 0)"
    ],
    "withholding_rate_missing": [
        "insert into marts.fct_income (business_date, entitlement_id, event_id, income_type, book_id, account_id, instrument_id,"
        f" ex_date, pay_date) select {D}, 'E', 'EV', 'DIVIDEND', 'B', 'no such account', instrument_id, {D}, {D}"
        f" from intermediate.int_reference__instruments_known where business_date = {D} limit 1"
    ],
    "journal_unbalanced": [
        BY_HAND,
        ENTRY,
        "insert into ledger.journal_lines (book_id, entry_id, line_no, gl_account, currency_code, amount, amount_base, business_date)"
        f" values ('B', md5('x')::uuid, 1, 'cash', 'EUR', 1, 1, {D})",
    ],
    "entry_without_lines": [BY_HAND, ENTRY],
    # a trade of the day is amended, and what it posted still stands
    "correction_without_reversal": [
        "update intermediate.int_trades__movements set movement_sign = -1 where ctid = (select movements.ctid from"
        " intermediate.int_trades__movements as movements inner join ledger.journal_entries as entries on entries.event_id ="
        " 'TRADE:' || movements.trade_id || ':' || movements.trade_version"
        f" where movements.business_date = {D} and movements.movement_sign = 1 limit 1)"
    ],
    "journal_chain_broken": [
        BY_HAND,
        f"update ledger.journal_lines set gl_account = 'cash' where ctid = (select ctid from ledger.journal_lines where business_date = {D}"
        " limit 1)",
    ],
    "trial_balance_not_zero": [
        "update intermediate.int_accounting__balances_carried set balance_amount = balance_amount + 1 where ctid = (select ctid from"
        f" intermediate.int_accounting__balances_carried where business_date = {D} limit 1)"
    ],
    "bridge_open": [
        "update marts.rpt_profit_bridge set difference_amount = 0.01 where ctid = (select ctid from marts.rpt_profit_bridge"
        f" where business_date = {D} limit 1)"
    ],
    "settlement_failed": [
        "update marts.fct_settlements set settlement_status = 'FAILED' where ctid = (select ctid from marts.fct_settlements"
        f" where business_date = {D} and settlement_status = 'PENDING' limit 1)"
    ],
    "fail_aged": [
        f"update marts.fct_settlements set days_late = 5 where ctid = (select ctid from marts.fct_settlements"
        f" where business_date = {D} limit 1)"
    ],
    "instruction_is_not_its_trade": [
        f"update marts.fct_trades set net_amount = net_amount + 0.01 where business_date = {D} and trade_id = (select trade_id from"
        f" operations.settlement_instructions where function = 'NEWM' and business_date = {D} limit 1)"
    ],
    "instruction_missing": [
        f"create temp table uninstructed as select * from marts.fct_trades where business_date = {D} and trade_id = (select trade_id from"
        f" operations.settlement_instructions where function = 'NEWM' and business_date = {D} limit 1)",
        "update uninstructed set trade_id = 'CSV~never instructed'",
        "insert into marts.fct_trades select * from uninstructed",
    ],
    "obligation_held": [
        "alter table books.trade_versions disable trigger date_is_open",
        "insert into books.trade_versions (trade_id, version, event_type, source_system, book_id, account_id, instrument_id, trade_date,"
        " executed_at, quantity, price, currency_code, fee_amount, content_sha, business_date, file_id, line_no) values ('CSV~held', 1,"
        f" 'NEW', 'CSV', 'B', 'A', 'I', {D}, '2026-01-06T10:00Z', 1, 1, 'EUR', 0, 'x', {D}, 'f', 1)",
    ],
    "cash_without_account": [
        "insert into marts.fct_cash_balances (business_date, cash_account_id, currency_code, settled_amount)"
        f" values ({D}, 'NONE:A', 'EUR', 1)"
    ],
    "cash_is_not_the_ledgers": [
        "update marts.fct_cash_balances set settled_amount = settled_amount + 0.01"
        f" where ctid = (select ctid from marts.fct_cash_balances where business_date = {D} limit 1)"
    ],
    "payment_without_second_person": [
        PAYMENT,
        "alter table operations.payment_releases disable trigger approved_first, disable trigger date_is_open",
        f"insert into operations.payment_releases (payment_id, message_id, business_date) values ('PY1', 'm', {D})",
    ],
    "payment_waits": [PAYMENT],
    "payment_held": [
        PAYMENT,
        "insert into operations.entitlements_known (entitlement_id, client_id, revision, net_amount, business_date)"
        f" values ('E', 'C', 1, 0, {D})",
    ],
    "client_paid_too_much": [
        PAYMENT,
        "alter table operations.payment_releases disable trigger approved_first, disable trigger date_is_open",
        f"insert into operations.payment_releases (payment_id, message_id, business_date) values ('PY1', 'm', {D})",
    ],
    "client_paid_too_soon": [
        PAYMENT,
        "alter table operations.payment_releases disable trigger approved_first, disable trigger date_is_open",
        f"insert into operations.payment_releases (payment_id, message_id, business_date) values ('PY1', 'm', {D})",
        "insert into marts.fct_income (business_date, entitlement_id, event_id, income_type, book_id, account_id, instrument_id, ex_date,"
        f" pay_date) values ({D}, 'E', 'EV', 'DIVIDEND', 'B', 'A', 'I', {D}, {D}::date + 1)",
    ],
}


@pytest.fixture(scope="module")
def closed_firm(database_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A firm with two closed days."""
    with new_database(database_server, tmp_path_factory.mktemp("closed_firm")):
        settings = get_settings()
        for day in write_world(settings.inbox, days=2, trades=120, seed=3):
            answer(settings.inbox, settings.outbox, day)
            close_day(day)
        yield


@pytest.fixture
def connection(closed_firm: None) -> Iterator[sqlalchemy.Connection]:  # noqa: ARG001
    administrator = sqlalchemy.create_engine(administrator_url())
    with administrator.connect() as connection:
        transaction = connection.begin()
        connection.execute(text(f"set local posttrade.business_date = '{DAY}'"))
        yield connection
        transaction.rollback()
    administrator.dispose()


def causes(connection: sqlalchemy.Connection, control_id: str) -> set[str]:
    control = CONTROLS[control_id]
    statement = control.query.replace("{batch}", f"({BUSINESS_DATE_QUERY})").replace("%", "%%")
    rows = [dict(row) for row in connection.exec_driver_sql(statement).mappings()]
    assert all("{" not in control.alert_message(row) for row in rows)
    return {control.cause_key(row) for row in rows}


@pytest.mark.parametrize("control_id", PLANTED)
def test_a_planted_fault_is_a_new_cause(connection: sqlalchemy.Connection, control_id: str) -> None:
    before = causes(connection, control_id)
    for statement in PLANTED[control_id]:
        connection.exec_driver_sql(statement.replace("%", "%%"))
    assert len(causes(connection, control_id) - before) >= 1


def test_every_control_has_a_case_that_trips_it() -> None:
    tripped = set(PLANTED) | {trip[0] for trip in TRIPS} | {"no_trades"}
    assert tripped == set(CONTROLS)


def test_no_critical_control_trips_on_the_closed_firm(connection: sqlalchemy.Connection) -> None:
    critical = [control for control in all_controls() if control.severity == "critical"]
    assert {control.control_id: found for control in critical if (found := causes(connection, control.control_id))} == {}


def test_the_cash_accounts_have_the_cash_of_the_ledger(connection: sqlalchemy.Connection) -> None:
    assert connection.exec_driver_sql("select count(*) from marts.fct_cash_balances where settled_amount <> 0").scalar_one() > 0
    for day in connection.exec_driver_sql("select business_date from operations.day_closings").scalars().all():
        connection.exec_driver_sql(f"set local posttrade.business_date = '{day}'")
        assert causes(connection, "cash_is_not_the_ledgers") == set()


def test_the_suites_run_through_great_expectations_and_a_critical_cause_keeps_everything_in_the_house(closed_firm: None) -> None:  # noqa: ARG001
    operator = engine(Role.OPERATOR)
    first = [check(DAY, operator) for check in (controls.check_landing, controls.check_books, controls.check_ledger)]
    again = [check(DAY, operator) for check in (controls.check_landing, controls.check_books, controls.check_ledger)]
    assert [counts["controls"] for counts in first] == [sum(one.suite is suite for one in all_controls()) for suite in Suite]
    assert sum(counts["alerts_opened"] for counts in first) > 0
    assert [counts["alerts_opened"] for counts in again] == [0, 0, 0]
    assert sum(counts["critical"] for counts in again) == 0

    administrator = sqlalchemy.create_engine(administrator_url())
    with administrator.begin() as planting:
        planting.exec_driver_sql(PLANTED["bridge_open"][0])
    assert controls.check_ledger(DAY, operator)["critical"] == 1
    with administrator.begin() as planting:
        planting.exec_driver_sql(BY_HAND)
        planting.exec_driver_sql(
            "insert into operations.settlement_instructions select 'PTNEW', trade_id, trade_version, 'RETN', null, book_id, account_id,"
            " instrument_id, counterparty_id, quantity, amount, currency_code, trade_date, settlement_date, place_of_settlement_bic,"
            f" custody_account_number, cash_account_id, {D} from operations.settlement_instructions limit 1"
        )
    assert settlement.deliver_outbox(DAY, operator) == {"instructions": 0, "messages": 0, "blocked": 1}

    with administrator.begin() as planting:
        planting.exec_driver_sql("update marts.rpt_profit_bridge set difference_amount = 0")
    assert controls.check_ledger(DAY, operator)["alerts_resolved"] == 1
    assert settlement.deliver_outbox(DAY, operator) == {"instructions": 1, "messages": 1, "blocked": 0}
    administrator.dispose()
