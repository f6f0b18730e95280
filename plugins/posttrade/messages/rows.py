"""What every reader of trades and other files hands over: rows of one file, in the order of a contract's columns."""

from collections.abc import Iterable
from dataclasses import dataclass

SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Row:
    """One row as it arrived. `cells` hold the contract's columns, joined by `SEPARATOR`; `defect` is set if it cannot be read."""

    line_no: int
    raw: str
    cells: str
    defect: str = ""


@dataclass
class SourceFile:
    """The rows of one file, or of one pull of a table.

    The hash and size of a pull are known once its rows have been read through.
    """

    kind: str
    source_system: str
    file_name: str
    sha256: str
    byte_count: int
    columns: tuple[str, ...]
    """The names of the cells, in order."""
    rows: Iterable[Row]


class RefusedFile(Exception):
    """A file that is refused whole.

    Args:
        reason: one sentence: what is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
