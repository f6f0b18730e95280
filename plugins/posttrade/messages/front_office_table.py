"""Pulls trades from the table `front_office_trades` of a front-office database."""

import hashlib
from collections.abc import Iterator
from datetime import date, datetime

import sqlalchemy

from posttrade.messages.contracts import TRADES
from posttrade.messages.rows import SEPARATOR, Row, SourceFile

COLUMNS = tuple(column.name for column in TRADES.columns)
FETCHED_ROWS = 10_000


def pull_trades(url: str, business_date: date) -> SourceFile:
    """Read the rows of a business date, in the order of `source_sequence`.

    Args:
        url: any SQLAlchemy URL; the table has a column `business_date` beside those of a trades file.
        business_date: whose rows to read.
    """
    statement = sqlalchemy.text(
        f"select {', '.join(COLUMNS)} from front_office_trades where business_date = :business_date order by source_sequence"
    )
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    digest = hashlib.sha256()
    rows = []
    byte_count = 0
    try:
        with engine.connect() as connection:
            found = connection.execution_options(yield_per=FETCHED_ROWS).execute(
                statement, {"business_date": business_date.isoformat()}
            )
            for line_no, values in enumerate(_texts(found), start=1):
                cells = SEPARATOR.join(values)
                line = cells.encode() + b"\n"
                digest.update(line)
                byte_count += len(line)
                rows.append(Row(line_no, ",".join(values), cells))
    finally:
        engine.dispose()
    return SourceFile(
        "trades", "FODB", f"front_office_trades {business_date}", digest.hexdigest(), byte_count, COLUMNS, rows
    )


def _texts(found: sqlalchemy.CursorResult[tuple[object, ...]]) -> Iterator[list[str]]:
    for row in found:
        yield [
            "" if value is None else value.isoformat() if isinstance(value, date | datetime) else str(value).replace(SEPARATOR, " ")
            for value in row
        ]
