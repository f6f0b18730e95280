"""When the close runs: the sessions of Xetra around Easter and the turn of the year, and nothing in between."""

from datetime import UTC, date, datetime

import pendulum
import pytest
from airflow.timetables.base import TimeRestriction

from posttrade.airflow.timetable import BusinessDayTimetable, next_session

XETRA = BusinessDayTimetable("XETR", closing_hour=22)


def closes(first: str, last: str, timetable: BusinessDayTimetable = XETRA) -> list[str]:
    """The logical dates of a catchup or backfill between two dates, as Airflow walks them."""
    restriction = TimeRestriction(_midnight(first), _midnight(last), catchup=True)
    found, interval = [], None
    while run := timetable.next_dagrun_info(last_automated_data_interval=interval, restriction=restriction):
        interval = run.data_interval
        assert run.run_after == run.logical_date.add(hours=22)
        assert (run.logical_date.hour, run.logical_date.minute) == (0, 0)
        found.append(run.logical_date.to_date_string())
    return found


@pytest.mark.parametrize(
    ("what", "first", "last", "expected"),
    [
        ("a weekend", "2026-01-09", "2026-01-13", ["2026-01-09", "2026-01-12", "2026-01-13"]),
        ("Good Friday and Easter Monday", "2026-04-02", "2026-04-08", ["2026-04-02", "2026-04-07", "2026-04-08"]),
        ("Christmas", "2025-12-23", "2025-12-30", ["2025-12-23", "2025-12-29", "2025-12-30"]),
        ("the turn of the year", "2025-12-30", "2026-01-02", ["2025-12-30", "2026-01-02"]),
        ("only closed days", "2026-01-10", "2026-01-11", []),
    ],
)
def test_a_run_for_every_business_day_and_for_no_other(what: str, first: str, last: str, expected: list[str]) -> None:
    assert closes(first, last) == expected, what


def test_a_weekday_calendar_of_another_market_has_its_own_holidays() -> None:
    assert closes("2026-07-02", "2026-07-06", BusinessDayTimetable("XNYS")) == ["2026-07-02", "2026-07-06"]


def test_without_catchup_the_past_is_not_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def first_run_seen_at(now: str) -> str:
        monkeypatch.setattr(pendulum, "now", lambda _zone: pendulum.parse(now))
        run = XETRA.next_dagrun_info(
            last_automated_data_interval=None,
            restriction=TimeRestriction(_midnight("2026-01-05"), None, catchup=False),
        )
        assert run is not None
        return run.logical_date.to_date_string()

    assert first_run_seen_at("2026-01-14T12:00:00Z") == "2026-01-14"
    assert first_run_seen_at("2026-01-14T22:00:05Z") == "2026-01-14"
    assert first_run_seen_at("2026-01-14T23:30:00Z") == "2026-01-15"
    assert first_run_seen_at("2026-01-16T23:30:00Z") == "2026-01-19"


def test_a_run_asked_for_by_hand_belongs_to_the_day_asked_for() -> None:
    interval = XETRA.infer_manual_data_interval(run_after=pendulum.datetime(2026, 1, 6, 15, 30))
    assert interval.start == datetime(2026, 1, 6, tzinfo=UTC)
    assert interval.end == datetime(2026, 1, 6, 22, tzinfo=UTC)


def test_it_survives_the_way_through_the_database() -> None:
    again = BusinessDayTimetable.deserialize(XETRA.serialize())
    assert (again.calendar, again.closing_hour) == ("XETR", 22)


def test_an_unknown_calendar_is_named() -> None:
    with pytest.raises(ValueError, match="XNEW"):
        next_session("XNEW", date(2026, 1, 5))


def _midnight(day: str) -> pendulum.DateTime:
    return pendulum.instance(datetime.fromisoformat(day).replace(tzinfo=UTC))
