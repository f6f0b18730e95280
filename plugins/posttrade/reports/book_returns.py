"""The returns of books over some dates, with the risk read off them, from the mart of daily returns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from sqlalchemy import Engine, text

from posttrade.domain.performance import (
    DAYS_A_YEAR,
    ExternalFlow,
    Ratio,
    accumulated_returns,
    max_drawdown,
    money_weighted_return,
    volatility,
)
from posttrade.errors import PosttradeError

FEWEST_DATES = 2


@dataclass(frozen=True)
class BookReturns:
    """What a book returned from the opening of its first date to the close of its last one.

    Args:
        book_id: the book.
        first_date: first business date with a return.
        last_date: last business date with a return.
        date_count: business dates with a return.
        opening_value_amount_base: value at the start.
        closing_value_amount_base: value at the end.
        time_weighted: the days' returns, linked.
        money_weighted: the yearly internal rate of return brought to the days from the first flow to the last; None where there
            is none.
        money_weighted_yearly: the internal rate of return.
        volatility: standard deviation over the whole time; None with fewer than two returns, or after a loss of everything.
        max_drawdown: the largest loss from a peak, as a positive part of the peak.
        capital_basis: what the days' returns are on: NET, value and flow in; GROSS, the gross exposure of a book whose short positions
            leave less than half of it; BOTH, some days one and some the other. On GROSS there is no money-weighted return.
    """

    book_id: str
    first_date: date
    last_date: date
    date_count: int
    opening_value_amount_base: Decimal
    closing_value_amount_base: Decimal
    time_weighted: Ratio
    money_weighted: Ratio | None
    money_weighted_yearly: Ratio | None
    volatility: Ratio | None
    max_drawdown: Ratio
    capital_basis: str


DAYS = """
with days as (
    select
        *,
        lag(business_date) over (partition by book_id order by business_date) as opening_date
    from marts.rpt_book_returns
)
select *
from days
where (cast(:book_id as text) is null or book_id = :book_id)
    and (cast(:first_date as date) is null or business_date >= :first_date)
    and (cast(:last_date as date) is null or business_date <= :last_date)
order by book_id, business_date
"""


def read_book_returns(
    engine: Engine, book_id: str | None = None, first_date: date | None = None, last_date: date | None = None
) -> list[BookReturns]:
    """The returns of one book or of all, in the order of their names.

    Args:
        engine: of a role that may read the marts.
        book_id: None for all books.
        first_date: the first business date whose return counts; None for the first there is.
        last_date: the last business date whose return counts; None for the last there is.

    Raises:
        PosttradeError: no day is closed, the book is unknown, the dates are the wrong way round, or no book has a return on two dates.
    """
    if first_date is not None and last_date is not None and first_date > last_date:
        raise PosttradeError(f"The first date, {first_date}, is after the last, {last_date}.", "Give the earlier date as --from.")
    with engine.connect() as connection:
        if connection.scalar(text("select to_regclass('marts.rpt_book_returns')")) is None:
            raise PosttradeError("There are no returns yet.", "Close the first days with ./posttrade run.")
        if book_id is not None:
            books = connection.scalars(text("select distinct book_id from marts.rpt_book_returns order by book_id")).all()
            if book_id not in books:
                raise PosttradeError(f"The book {book_id} has no returns.", f"Books with returns: {', '.join(books) or 'none yet'}.")
        parameters = {"book_id": book_id, "first_date": first_date, "last_date": last_date}
        rows = connection.execute(text(DAYS), parameters).mappings().all()
    by_book = {name: [dict(day) for day in days] for name, days in groupby(rows, key=lambda row: str(row["book_id"]))}
    found = [_of_book(name, days) for name, days in by_book.items() if any(day["return_ratio"] is not None for day in days)]
    if max((one.date_count for one in found), default=0) < FEWEST_DATES:
        one_date = f"only one, {found[0].first_date}" if found else "none"
        raise PosttradeError(
            f"A return needs {FEWEST_DATES} closed dates with capital in securities; in these dates there is {one_date}.",
            "Close more days, or widen --from and --to.",
        )
    return found


def _of_book(book_id: str, days: Sequence[Mapping[str, Any]]) -> BookReturns:
    """The measures of a book's days; a day without capital has no return, but its flows are money all the same."""
    with_return = [day for day in days if day["return_ratio"] is not None]
    returns = [float(day["return_ratio"]) for day in with_return]
    # No more than everything can be lost of a unit; the unit price of the mart is linked the same way.
    accumulated = accumulated_returns(max(one, -1.0) for one in returns)
    bases = {str(day["capital_basis"]) for day in with_return}
    # what went in and out of a book whose value is next to nothing tells nothing about what its capital earned
    period, yearly = (None, None) if "GROSS" in bases else _money_weighted(days)
    return BookReturns(
        book_id=book_id,
        first_date=with_return[0]["business_date"],
        last_date=with_return[-1]["business_date"],
        date_count=len(with_return),
        opening_value_amount_base=days[0]["opening_value_amount_base"],
        closing_value_amount_base=days[-1]["closing_value_amount_base"],
        time_weighted=accumulated[-1],
        money_weighted=period,
        money_weighted_yearly=yearly,
        volatility=volatility(returns) if len(returns) >= FEWEST_DATES and min(returns) > -1 else None,
        max_drawdown=max_drawdown(accumulated),
        capital_basis=bases.pop() if len(bases) == 1 else "BOTH",
    )


def _money_weighted(days: Sequence[Mapping[str, Any]]) -> tuple[Ratio | None, Ratio | None]:
    """The internal rate of return over the period and of a year: the opening value flows in at the close before, flows on their dates."""
    opening, closing = days[0], days[-1]
    flows = [ExternalFlow(day["business_date"], day["net_cash_in_amount_base"]) for day in days]
    flows.append(ExternalFlow(closing["business_date"], -closing["closing_value_amount_base"]))
    if opening["opening_value_amount_base"]:
        flows.append(ExternalFlow(opening["opening_date"], opening["opening_value_amount_base"]))
    try:
        yearly = money_weighted_return(flows)
    except ValueError:
        return None, None
    dates = [flow.flow_date for flow in flows if flow.amount]
    return (1 + yearly) ** ((max(dates) - min(dates)).days / DAYS_A_YEAR) - 1, yearly
