"""Publishes what the procedures say, for the derivations to read. What closed dates were made by stays as it was."""

from datetime import date
from typing import Any

import sqlalchemy
from sqlalchemy import text

from posttrade.domain.money import currencies
from posttrade.errors import PosttradeError
from posttrade.procedures.schema import Procedure, load_chart_of_accounts, load_procedures
from posttrade.records.database import insert_missing


def publish_procedures(engine: sqlalchemy.Engine) -> dict[str, int]:
    """Record the currencies of ISO 4217, what the procedures say about each product line, and the chart of accounts.

    Returns:
        New `currencies`, `product_lines` and `ledger_accounts`.

    Raises:
        PosttradeError: a procedure or an account says something else of closed dates than the books were made by.
    """
    with engine.begin() as connection:
        _refuse_other_rules_of_closed_dates(connection)
        published = insert_missing(
            connection, "books.currencies (currency_code, minor_unit)", ("text", "integer"), list(currencies().items())
        )
        lines = [_published(one) for one in load_procedures()]
        published_lines = insert_missing(
            connection,
            f"books.product_lines ({', '.join(COLUMN_TYPES)})",
            tuple(COLUMN_TYPES.values()),
            [tuple(one[name] for name in COLUMN_TYPES) for one in lines],
        )
        published_accounts = _publish_chart_of_accounts(connection)
    return {"currencies": published, "product_lines": published_lines, "ledger_accounts": published_accounts}


def _publish_chart_of_accounts(connection: sqlalchemy.Connection) -> int:
    """An account that is new, or says something else than before, is recorded as its next revision."""
    chart = load_chart_of_accounts()
    return connection.execute(
        text(PUBLISH_LEDGER_ACCOUNTS),
        {
            "gl_accounts": list(chart),
            "names": [account.name for account in chart.values()],
            "account_types": [account.type.upper() for account in chart.values()],
            "are_monetary": [account.is_monetary for account in chart.values()],
            "components": [account.component for account in chart.values()],
        },
    ).rowcount


def _refuse_other_rules_of_closed_dates(connection: sqlalchemy.Connection) -> None:
    last_close: date | None = connection.scalar(text("select max(business_date) from operations.day_closings"))
    if last_close is None:
        return
    published = {(one.product_line, one.valid_from): one for one in connection.execute(text(PROCEDURES_OF_THE_BOOKS))}
    lines = {product_line for product_line, _ in published}
    for one in load_procedures():
        if one.product_line not in lines or one.valid_from > last_close:
            continue
        before = published.get((one.product_line, one.valid_from))
        if before is None:
            raise PosttradeError(
                f"A procedure of {one.product_line} is valid from {one.valid_from}, and the books up to {last_close} were made without it.",
                "Give it a date after the last close.",
            )
        for name in BOOKS_ARE_MADE_BY:
            said, formerly = _published(one)[name], getattr(before, name)
            if formerly != said:
                raise PosttradeError(
                    f"The procedure of {one.product_line} valid from {one.valid_from} says {name} {said}, and the books up to {last_close}"
                    f" were made by {formerly}.",
                    "Put it back, and say what is new in another file, with a valid_from after the last close.",
                )
    chart = load_chart_of_accounts()
    for account in connection.execute(text(ACCOUNTS_PUBLISHED)).all():
        said = chart.get(account.gl_account)
        formerly = (account.account_type, account.is_monetary, account.result_component)
        if said is None or (said.type.upper(), said.is_monetary, said.component) == formerly:
            continue
        if connection.scalar(text(HAS_CLOSED_ENTRIES), {"gl_account": account.gl_account, "last_close": last_close}):
            raise PosttradeError(
                f"The account {account.gl_account} is another kind of account than the one that entries up to {last_close} stand in.",
                "Put its type, is_monetary and component back in chart_of_accounts.yaml, and name a new account in new posting rules.",
            )


def _published(procedure: Procedure) -> dict[str, Any]:
    """By column of books.product_lines."""
    return {
        "product_line": procedure.product_line,
        "valid_from": procedure.valid_from,
        "name": procedure.name,
        "price_divisor": procedure.valuation.price_divisor,
        "accrues_interest": procedure.valuation.accrues_interest,
        "stale_after_business_days": procedure.checks.stale_after_business_days,
        "outlier_move": procedure.checks.outlier_move,
        "lot_method": procedure.lots.method,
        "settles_daily": procedure.settlement.settles_daily,
        "is_delivered": procedure.settlement.is_delivered,
        "exchanges_currencies": procedure.settlement.exchanges_currencies,
        "exchanges_at_maturity": procedure.settlement.exchanges_at_maturity,
        "fixed_price": procedure.valuation.fixed_price,
        "content_sha": procedure.content_sha,
    }


COLUMN_TYPES = {
    "product_line": "text", "valid_from": "date", "name": "text", "price_divisor": "numeric", "accrues_interest": "boolean",
    "stale_after_business_days": "integer", "outlier_move": "numeric", "lot_method": "text", "settles_daily": "boolean",
    "is_delivered": "boolean", "exchanges_currencies": "boolean", "exchanges_at_maturity": "boolean", "fixed_price": "numeric",
    "content_sha": "text",
}  # fmt: skip
BOOKS_ARE_MADE_BY = (
    "price_divisor", "accrues_interest", "lot_method", "settles_daily", "is_delivered", "exchanges_currencies",
    "exchanges_at_maturity", "fixed_price",
)  # fmt: skip

PUBLISH_LEDGER_ACCOUNTS = """
with latest as (
    select distinct on (gl_account) *
    from books.ledger_accounts
    order by gl_account, revision desc
)
insert into books.ledger_accounts (gl_account, revision, name, account_type, is_monetary, result_component)
select given.gl_account, coalesce(latest.revision, 0) + 1, given.name, given.account_type, given.is_monetary,
    given.result_component
from unnest(
    cast(:gl_accounts as text[]), cast(:names as text[]), cast(:account_types as text[]), cast(:are_monetary as boolean[]),
    cast(:components as text[])
) as given (gl_account, name, account_type, is_monetary, result_component)
left join latest on given.gl_account = latest.gl_account
where (latest.name, latest.account_type, latest.is_monetary, latest.result_component)
    is distinct from (given.name, given.account_type, given.is_monetary, given.result_component)
on conflict do nothing
"""

# What each procedure last said, of the product lines that have instruments.
PROCEDURES_OF_THE_BOOKS = """
select distinct on (product_line, valid_from)
    product_line, valid_from, price_divisor, accrues_interest, lot_method, coalesce(settles_daily, false) as settles_daily,
    coalesce(is_delivered, true) as is_delivered, coalesce(exchanges_currencies, false) as exchanges_currencies,
    coalesce(exchanges_at_maturity, false) as exchanges_at_maturity, fixed_price
from books.product_lines
where product_line in (select instruments.product_line from books.instruments)
order by product_line, valid_from, known_at desc
"""

ACCOUNTS_PUBLISHED = """
select distinct on (gl_account) gl_account, account_type, is_monetary, result_component
from books.ledger_accounts
order by gl_account, revision desc
"""

HAS_CLOSED_ENTRIES = """
select exists (select from ledger.journal_lines where gl_account = :gl_account and business_date <= :last_close)
"""
