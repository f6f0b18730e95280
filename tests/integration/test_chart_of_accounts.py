"""The chart of accounts in the database follows the procedures' own, revision by revision."""

from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from posttrade.records.database import Role, engine


def test_an_account_renamed_in_the_chart_is_a_new_revision(fresh_database: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    from posttrade.offices import middle_office
    from posttrade.procedures.schema import load_chart_of_accounts

    chart = load_chart_of_accounts()
    renamed = chart | {"cash": chart["cash"].model_copy(update={"name": "Cash in hand and at banks"})}

    def publish(given: dict[str, Any]) -> int:
        monkeypatch.setattr(middle_office, "load_chart_of_accounts", lambda: given)
        return middle_office.publish_procedures(date(2026, 1, 5), engine(Role.LOADER))["ledger_accounts"]

    # Back to the first name is a third revision: the last one said counts.
    assert [publish(one) for one in (chart, chart, renamed, renamed, chart)] == [len(chart), 0, 1, 0, 1]
    with engine(Role.LOADER).connect() as connection:
        found = connection.execute(
            text("select name, revision, account_type, is_monetary from books.ledger_accounts where gl_account = 'cash' order by 2")
        ).all()
    assert [tuple(row) for row in found] == [
        ("Cash at banks", 1, "ASSET", True),
        ("Cash in hand and at banks", 2, "ASSET", True),
        ("Cash at banks", 3, "ASSET", True),
    ]
