"""Which facts of a business date its books were made of, so that none is left out when the date closes.

Facts are only ever added: how many there are of a date says which.
"""

import json
from datetime import date
from enum import StrEnum

import sqlalchemy
from sqlalchemy import text

from posttrade.messages.contracts import ALLOCATIONS, CONTRACTS, TRADES


class Step(StrEnum):
    """What is made of the facts: the terms of instruments, and the books from them and all others."""

    TERMS = "TERMS"
    BOOKS = "BOOKS"


# Trades and allocations are looked for in the books themselves: they come in all day, and one may be there though it came late.
DELIVERED = tuple(sorted(contract.table for contract in CONTRACTS.values() if contract not in (TRADES, ALLOCATIONS)))
FACTS: dict[Step, tuple[str, ...]] = {
    Step.TERMS: (
        "books.bond_coupon_dates",
        "books.bond_repayments",
        "books.index_fixings",
        "books.instruments",
        "books.open_deal_terms",
    ),
    Step.BOOKS: (*DELIVERED, "operations.payment_releases", "operations.trade_releases"),
}


def note_state(connection: sqlalchemy.Connection, business_date: date, step: Step) -> None:
    """Note which facts there are, before a step reads them; of a closed date, and where they are the same as last time, nothing."""
    connection.execute(
        text(
            "insert into operations.book_states (business_date, step, fact_counts)"
            " select :business_date, :step, cast(:counts as jsonb)"
            " where not exists (select from operations.day_closings where business_date = :business_date)"
            " and cast(:counts as jsonb) is distinct from ("
            "   select fact_counts from operations.book_states where business_date = :business_date and step = :step"
            "   order by state_id desc limit 1)"
        ),
        {"business_date": business_date, "step": step, "counts": json.dumps(_counts(connection, business_date, step))},
    )


def came_in_since(connection: sqlalchemy.Connection, business_date: date, step: Step) -> dict[str, int]:
    """How many facts of each kind came in after the step began; none where the step was never run."""
    noted = connection.scalar(
        text(
            "select fact_counts from operations.book_states where business_date = :business_date and step = :step"
            " order by state_id desc limit 1"
        ),
        {"business_date": business_date, "step": step},
    )
    if noted is None:
        return {}
    counts = _counts(connection, business_date, step)
    return {table.split(".")[1]: count - noted.get(table, 0) for table, count in counts.items() if count != noted.get(table, 0)}


def _counts(connection: sqlalchemy.Connection, business_date: date, step: Step) -> dict[str, int]:
    parts = " union all ".join(
        f"select '{table}' as fact, count(*) as number from {table} where business_date = :business_date" for table in FACTS[step]
    )
    return {row.fact: row.number for row in connection.execute(text(parts), {"business_date": business_date})}
