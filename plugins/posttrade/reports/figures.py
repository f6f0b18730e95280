"""What the end-of-day report says, read from the database in one snapshot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from posttrade.errors import PosttradeError
from posttrade.reports import queries
from posttrade.reports.queries import Query

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Listing:
    """Rows of a table of the report.

    Args:
        rows: the rows shown.
        total: how many there are.
        sources: relations they come from.
        see_all: query that returns all of them; empty where the table is complete by nature.
    """

    rows: Sequence[Row]
    total: int
    sources: tuple[str, ...]
    see_all: str

    @property
    def more(self) -> int:
        """How many rows are not shown."""
        return self.total - len(self.rows)


@dataclass(frozen=True)
class Figures:
    """All figures of a business date."""

    business_date: date
    firm: Row
    trades: Row
    positions: Row
    profit: Listing
    profit_explained: Listing
    profit_by_day: Listing
    contributors: Listing
    alert_counts: Row
    alerts: Listing
    breaks: Listing
    settlement_statuses: Listing
    fails: Listing
    income: Listing
    income_events: Listing
    payments: Listing
    exceptions: Listing
    refused_files: Listing
    bridge: Row
    bridge_differences: Listing

    @property
    def firm_profit(self) -> Row | None:
        """The firm's line of the P&L; None when nothing was held or traded."""
        return next((row for row in self.profit.rows if row["level"] == 3 and row["total_amount"] is not None), None)

    @property
    def books(self) -> Sequence[Row]:
        """The P&L lines of the books."""
        return [row for row in self.profit.rows if row["level"] == 0]

    @property
    def settlement_counts(self) -> Mapping[str, int]:
        """Number of instructions by status."""
        return {row["settlement_status"]: row["row_count"] for row in self.settlement_statuses.rows}


def read_figures(business_date: date, engine: Engine) -> Figures:
    """Reads every figure of the report in one read-only snapshot.

    Args:
        business_date: the day reported on.
        engine: of a role that may read the marts and the exceptions.

    Raises:
        PosttradeError: the firm is unknown, or a mart cannot be read.
    """
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as connection:
            return _read(business_date, connection)
    except SQLAlchemyError as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise PosttradeError(
            f"The report of {business_date} cannot be written, because its figures cannot be read: {cause}.",
            "Close the day up to the publication group first, and see that the report's role may read the marts.",
        ) from error


def _read(business_date: date, connection: Connection) -> Figures:
    def rows(query: Query) -> Sequence[Row]:
        parameters: dict[str, Any] = {"business_date": business_date}
        if ":cap" in query.sql:
            parameters["cap"] = query.cap
        return [dict(row) for row in connection.execute(text(query.sql), parameters).mappings()]

    def one(query: Query) -> Row:
        return rows(query)[0]

    def listing(query: Query) -> Listing:
        found = rows(query)
        total = found[0]["total_count"] if found and "total_count" in found[0] else len(found)
        see_all = query.see_all.format(business_date=business_date)
        return Listing(rows=found, total=total, sources=query.sources, see_all=see_all)

    firms = rows(queries.FIRM)
    if not firms:
        raise PosttradeError(
            f"No firm is known on {business_date}.",
            f"Deliver firms.csv into the inbox folder {business_date} or an earlier one and record it.",
        )
    return Figures(
        business_date=business_date,
        firm=firms[0],
        trades=one(queries.TRADES),
        positions=one(queries.POSITIONS),
        profit=listing(queries.PROFIT_AND_LOSS),
        profit_explained=listing(queries.PROFIT_EXPLAINED),
        profit_by_day=listing(queries.PROFIT_BY_DAY),
        contributors=listing(queries.CONTRIBUTORS),
        alert_counts=one(queries.ALERT_COUNTS),
        alerts=listing(queries.ALERTS),
        breaks=listing(queries.BREAKS),
        settlement_statuses=listing(queries.SETTLEMENT_STATUSES),
        fails=listing(queries.FAILS),
        income=listing(queries.INCOME),
        income_events=listing(queries.INCOME_EVENTS),
        payments=listing(queries.PAYMENTS),
        exceptions=listing(queries.EXCEPTIONS),
        refused_files=listing(queries.REFUSED_FILES),
        bridge=one(queries.BRIDGE),
        bridge_differences=listing(queries.BRIDGE_DIFFERENCES),
    )
