"""What changed in the figures of a closed date since a moment, and which trade, price or event explains it."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy
from sqlalchemy import text

from posttrade.errors import PosttradeError


@dataclass(frozen=True)
class Figure:
    """A book's figures of one instrument on a date, all accounts together; of claims CASH:<currency>, what the book is owed.

    Args:
        quantity: position by trade date, long positive, in the units of the date.
        market_value_amount_base: base currency.
        total_amount_base: the result since the firm's first date, base currency; what was paid stands at the rate it was booked at.
    """

    quantity: Decimal = Decimal(0)
    market_value_amount_base: Decimal = Decimal(0)
    total_amount_base: Decimal = Decimal(0)

    def __add__(self, other: "Figure") -> "Figure":
        return Figure(
            self.quantity + other.quantity,
            self.market_value_amount_base + other.market_value_amount_base,
            self.total_amount_base + other.total_amount_base,
        )


@dataclass(frozen=True)
class Event:
    """What a trade, price or event changed.

    Args:
        learned_on: the business date on which it became known and in whose result it is booked.
        account_id: the custody account; empty for claims.
        event_type: LATE, AMENDMENT, CANCELLATION, CORPORATE_ACTION, PRICE, FX_RATE, INCOME, TERMS or VARIATION_MARGIN.
        event_id: the trade, the date of the price, the corporate action, ...
        version: version of the trade, revision of the price or rate.
        change: its share of the difference.
    """

    learned_on: date
    account_id: str
    event_type: str
    event_id: str
    version: int | None
    change: Figure


@dataclass
class Change:
    """The figures of an instrument as known at a moment, and what was learned since."""

    instrument_id: str
    as_known: Figure = field(default_factory=Figure)
    events: list[Event] = field(default_factory=list)

    @property
    def as_known_now(self) -> Figure:
        """As known when the last date was closed."""
        return sum((event.change for event in self.events), self.as_known)


def read_changes(engine: sqlalchemy.Engine, book_id: str, figure_date: date, known_at: datetime | None = None) -> tuple[date, list[Change]]:
    """The figures of a book on a closed date, as known at a moment and what changed since.

    Args:
        engine: of the analyst.
        book_id: the book.
        figure_date: the closed date whose figures are asked for.
        known_at: a moment with its offset; what was known then is what the last date closed at or before it knew. None: the
            close of the figure date itself, whose evening report it was.

    Returns:
        The business date whose close the moment falls to, and the instruments of the book, in order; of its claims those that
        something learned later changes.

    Raises:
        PosttradeError: the date was not closed, at all or by then, or the book is unknown.
    """
    parameters = {"book_id": book_id, "figure_date": figure_date, "known_at": known_at}
    with engine.connect() as connection:
        known_date: date | None = connection.scalar(text(KNOWN_DATE), parameters)
        if known_date is None or known_date < figure_date:
            when = f" at {known_at.isoformat()}" if known_at else ""
            raise PosttradeError(f"{figure_date} was not closed{when}.", "Ask for a closed date: ./posttrade status shows the open one.")
        if not connection.scalar(text("select 1 from marts.dim_books where book_id = :book_id"), parameters):
            raise PosttradeError(f"There is no book {book_id}.", "List them: ./posttrade sql -c 'select book_id from dim_books'.")
        found: dict[str, Change] = {}
        for instrument_id, *figures in connection.execute(text(REPORTED), parameters):
            found[instrument_id] = Change(instrument_id, Figure(*figures))
        by_instrument: dict[str, list[Event]] = defaultdict(list)
        for row in connection.execute(text(LEARNED), parameters):
            change = Figure(row.changed_quantity, row.market_value_amount_base, row.total_amount_base)
            event = Event(row.business_date, row.account_id, row.event_type, row.event_id, row.event_version, change)
            by_instrument[row.instrument_id].append(event)
    for instrument_id, events in by_instrument.items():
        one = found.setdefault(instrument_id, Change(instrument_id))
        for event in events:
            if event.learned_on <= known_date:
                one.as_known += event.change
            else:
                one.events.append(event)
    return known_date, [found[instrument_id] for instrument_id in sorted(found)]


KNOWN_DATE = """
select max(business_date) from marts.dim_business_dates
where is_closed and (
    (cast(:known_at as timestamptz) is null and business_date = :figure_date) or closed_at <= cast(:known_at as timestamptz)
)
"""

REPORTED = """
with claims_restated as (
    select distinct instrument_id from marts.rpt_what_changed
    where figure_date = :figure_date and book_id = :book_id and instrument_id like 'CASH:%'
),
held as (
    select instrument_id, sum(traded_quantity) as quantity, sum(market_value_amount_base) as market_value_amount_base
    from marts.fct_positions where business_date = :figure_date and book_id = :book_id group by instrument_id
    union all
    select results.instrument_id, 0, results.closing_value_amount_base
    from marts.fct_profit_and_loss as results
    inner join claims_restated on results.instrument_id = claims_restated.instrument_id
    where results.business_date = :figure_date and results.book_id = :book_id
),
earned as (
    select instrument_id, sum(total_amount_base) as total_amount_base
    from marts.fct_profit_and_loss
    where business_date <= :figure_date and book_id = :book_id
        and (product_line <> 'cash' or instrument_id in (select claims_restated.instrument_id from claims_restated))
    group by instrument_id
)
select
    coalesce(held.instrument_id, earned.instrument_id), coalesce(quantity, 0), coalesce(market_value_amount_base, 0),
    coalesce(total_amount_base, 0)
from held full outer join earned on held.instrument_id = earned.instrument_id
"""

LEARNED = """
select * from marts.rpt_what_changed
where figure_date = :figure_date and book_id = :book_id
order by business_date, account_id, step_no
"""
