"""A home calendar that is told otherwise after its days were published."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from posttrade.domain import calendars
from posttrade.domain.calendar_rules import FILE, calendar_rules

Tell = Callable[[str], None]


@pytest.fixture
def tell_market(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tell]:
    """Add a row of a market to procedures/calendars.yaml: `tell_market("XNYS: {opened: {2026-01-10: a session on a Saturday}}")`."""

    def tell(row: str) -> None:
        told = tmp_path / "calendars.yaml"
        told.write_text(f"{FILE.read_text()}  {row}\n")
        rules = calendar_rules(told)
        monkeypatch.setattr(calendars, "calendar_rules", lambda: rules)
        calendars.sessions.cache_clear()

    yield tell
    calendars.sessions.cache_clear()
