"""Positions against the simulator's own books, which know no SQL, and the rights of the roles."""

from collections.abc import Callable
from datetime import date

import pytest
from integration.small_firm import assert_books_tie, failing_rows, rows, value
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from posttrade.controls.catalogue import Severity, all_controls
from posttrade.procedures.schema import traded_product_lines
from posttrade.records.database import Role, administrator_url, engine


def test_every_line_of_the_simulated_firm_agrees_with_its_own_books_its_custodian_and_its_bank(
    firm: Callable[[int, int], list[date]], simulated_positions: Callable[[date], dict[tuple[str, str, str], str]]
) -> None:
    dates = firm(5, 250)
    for day in dates:
        ours = {
            (book_id, account_id, instrument_id): str(quantity.normalize())
            for book_id, account_id, instrument_id, quantity in rows(
                "select book_id, account_id, instrument_id, sum(traded_quantity) from marts.fct_positions"
                " where business_date = :day group by book_id, account_id, instrument_id having sum(traded_quantity) <> 0",
                day=day,
            )
        }
        theirs = simulated_positions(day)
        assert len(theirs) > 100
        assert ours == theirs
        critical = [one for one in all_controls() if one.severity is Severity.CRITICAL]
        assert {one.control_id: found for one in critical if (found := failing_rows(one.control_id, day))} == {}

    # Margin, premiums, exchanges, interest, repayments, exercises and collateral: nobody but the planted error disagrees.
    assert rows("select business_date, break_type, account_id, difference_amount::integer from marts.fct_breaks") == [
        (dates[3], "POSITION", "OWN_EQ_US", -10)
    ]
    assert {line for (line,) in rows("select distinct product_line from intermediate.int_trades__movements")} == set(traded_product_lines())
    # A currency pair for spot leaves claims, and no position.
    assert {line for (line,) in rows("select distinct product_line from marts.fct_positions")} == set(traded_product_lines()) - {"fx_spot"}
    happened = dict(rows("select event_type, bool_or(quantity_change <> 0) from marts.fct_corporate_actions group by event_type"))
    assert happened == {
        "SPLIT": True, "SPIN_OFF": True, "RIGHTS_ISSUE": True, "RIGHTS_EXERCISE": True, "RIGHTS_LAPSE": True, "MERGER": True,
        "REDEMPTION": True, "PARTIAL_REDEMPTION": True, "OPTION_EXERCISE": True, "EXPIRY": True, "MATURITY": True,
    }  # fmt: skip
    assert value("select count(distinct trade_id) from marts.fct_trades where trade_status = 'BLOCK'") == 10
    assert value("select count(distinct pay_date) from marts.fct_variation_margin where margin_amount <> 0") == 5
    assert value("select count(*) from marts.fct_lots where account_id = 'C4_MAIN' and business_date = :day", day=dates[-1]) > value(
        "select count(*) from marts.fct_positions where account_id = 'C4_MAIN' and traded_quantity <> 0 and business_date = :day",
        day=dates[-1],
    )
    assert_books_tie()


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (Role.ANALYST, "select * from books.clients"),
        (Role.ANALYST, "create table marts.mine (n integer)"),
        (Role.LOADER, "insert into ledger.journal_entries select * from ledger.journal_entries"),
        (Role.LOADER, "insert into operations.payment_decisions select * from operations.payment_decisions"),
        (Role.POSTER, "insert into operations.payments select * from operations.payments"),
        (Role.OPERATOR, "insert into books.prices select * from books.prices"),
        (Role.TRANSFORMER, "insert into books.prices select * from books.prices"),
        (Role.LOADER, "update books.prices set price = 1"),
        (Role.OPERATOR, "delete from operations.alerts"),
    ],
)
def test_a_role_may_not_do_the_work_of_another(fresh_database: str, role: Role, statement: str) -> None:  # noqa: ARG001
    with pytest.raises(DBAPIError, match=r"permission denied|read-only"), engine(role).begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    "statement", ["update books.prices set price = 1", "delete from landing.files", "truncate operations.alert_events"]
)
def test_even_the_administrator_is_refused_to_change_a_fact(fresh_database: str, statement: str) -> None:  # noqa: ARG001
    administrator = create_engine(administrator_url())
    with pytest.raises(DBAPIError, match="append-only"), administrator.begin() as connection:
        connection.execute(text(statement))
    administrator.dispose()
