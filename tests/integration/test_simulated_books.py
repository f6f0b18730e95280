"""Positions against the simulator's own books, which know no SQL, and the rights of the roles."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from posttrade.records.database import Role, administrator_url, engine


def test_positions_are_those_of_the_simulators_own_books(
    firm: Callable[[int, int], list[date]], simulated_positions: Callable[[date], dict[tuple[str, str, str], str]]
) -> None:
    for day in firm(3, 150):
        with engine(Role.AUDITOR).connect() as connection:
            ours = {
                (row.book_id, row.account_id, row.instrument_id): str(row.quantity.normalize())
                for row in connection.execute(
                    text(
                        "select book_id, account_id, instrument_id, sum(traded_quantity) as quantity from marts.fct_positions"
                        " where business_date = :day group by book_id, account_id, instrument_id having sum(traded_quantity) <> 0"
                    ),
                    {"day": day},
                )
            }
        theirs = simulated_positions(day)
        assert len(theirs) > 50
        assert ours == theirs


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
