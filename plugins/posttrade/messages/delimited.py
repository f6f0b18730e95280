"""Writes delimited files that close with their control total, so that a reader can tell a whole file from a cut one."""

import csv
import io
from collections.abc import Iterable, Sequence


def delimited_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The text of a CSV file: header, one line a row, and `#control,rows,<n>` at the end. Empty cells stand for None."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow("" if value is None else value for value in row)
        count += 1
    writer.writerow(("#control", "rows", count))
    return text.getvalue()
