"""Nothing is reported to anybody: no name outside this machine is looked up while a day is closed."""

import socket
from collections.abc import Callable
from datetime import date

import pytest
from integration.conftest import close_day_by_dbt

from posttrade.offices import controls, publication
from posttrade.records.database import Role, engine


def test_a_close_asks_for_no_address_outside(firm: Callable[[int, int], list[date]], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: set[str] = set()
    look_up = socket.getaddrinfo

    def watched(host: object, *more: object, **named: object) -> object:
        asked.add(str(host))
        if str(host) not in ("127.0.0.1", "localhost"):
            raise OSError(f"{host} is outside")
        return look_up(host, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", watched)
    (day,) = firm(1, 20)
    close_day_by_dbt(day)
    for check in (controls.check_landing, controls.check_books, controls.check_ledger):
        check(day, engine(Role.OPERATOR))
    publication.publish_documentation(day, engine(Role.OPERATOR))
    assert asked <= {"127.0.0.1", "localhost"}
    with pytest.raises(OSError, match="outside"):
        socket.create_connection(("stats.example.org", 443))
