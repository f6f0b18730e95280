"""Pulls trades from the table `front_office_trades` of a front-office database."""

import hashlib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import sqlalchemy

from posttrade.errors import PosttradeError
from posttrade.messages.contracts import TRADES
from posttrade.messages.rows import SEPARATOR, Row, SourceFile

FETCHED_ROWS = 10_000


def pull_trades(url: str, business_date: date) -> SourceFile:
    """Read the rows of a business date, in the order of `source_sequence`.

    Args:
        url: any SQLAlchemy URL; the table has a column `business_date` beside those of a trades file.
        business_date: whose rows to read.

    Returns:
        The rows, fetched while they are read through.

    Raises:
        PosttradeError: while the rows are read: the database does not answer, or has no such table.
    """
    source = SourceFile("trades", "FODB", f"front_office_trades {business_date}", "", 0, TRADES.orders[0], ())
    source.rows = _rows(source, url, business_date)
    return source


def _rows(source: SourceFile, url: str, business_date: date) -> Iterator[Row]:
    digest = hashlib.sha256(business_date.isoformat().encode())
    try:
        engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    except (sqlalchemy.exc.ArgumentError, ImportError) as error:
        raise PosttradeError(
            "The front-office database has no usable address.", "Give a SQLAlchemy URL whose driver is installed."
        ) from error
    try:
        with engine.connect() as connection:
            of_table = {column["name"] for column in sqlalchemy.inspect(connection).get_columns("front_office_trades")}
            columns = ["null" if column.may_be_left_out and column.name not in of_table else column.name for column in TRADES.columns]
            statement = sqlalchemy.text(
                f"select {', '.join(columns)} from front_office_trades where business_date = :business_date order by source_sequence"
            )
            found = connection.execution_options(yield_per=FETCHED_ROWS).execute(statement, {"business_date": business_date.isoformat()})
            for line_no, values in enumerate(_texts(found), start=1):
                cells = SEPARATOR.join(values)
                line = cells.encode() + b"\n"
                digest.update(line)
                source.byte_count += len(line)
                yield Row(line_no, _csv_line(values), cells)
    except (sqlalchemy.exc.DBAPIError, sqlalchemy.exc.NoSuchTableError) as error:
        cause = "there is none" if isinstance(error, sqlalchemy.exc.NoSuchTableError) else str(error.orig).splitlines()[0]
        raise PosttradeError(
            f"The table front_office_trades cannot be read: {cause}.",
            "Check that the front-office database runs and that the table has the columns of a trades file.",
        ) from error
    finally:
        engine.dispose()
    source.sha256 = digest.hexdigest()


def _csv_line(values: list[str]) -> str:
    """The row as a line of a trades file, so that it can be corrected and replayed like one."""
    line = ",".join(values)
    if line.count(",") == len(values) - 1 and '"' not in line:
        return line
    return ",".join('"' + value.replace('"', '""') + '"' for value in values)


def _texts(found: sqlalchemy.CursorResult[tuple[object, ...]]) -> Iterator[list[str]]:
    for row in found:
        yield ["" if value is None else _text(value) for value in row]


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | float):
        return f"{Decimal(str(value)):f}"
    return str(value).replace(SEPARATOR, " ").replace("\n", " ").replace("\r", " ")
