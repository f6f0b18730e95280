"""Sessions of markets, where the library behind them is right and where it needs a correction."""

from datetime import date
from pathlib import Path

import exchange_calendars
import pytest

from posttrade.domain import calendars
from posttrade.domain.bank_calendars import is_bank_day
from posttrade.domain.business_days import BusinessDays
from posttrade.domain.calendar_rules import FILE, calendar_rules
from posttrade.domain.calendars import (
    add_sessions,
    next_session,
    previous_session,
    roll_following,
    sessions,
    sessions_between,
)


def trades_on(calendar: str, day: date) -> bool:
    return BusinessDays(calendar=calendar).is_open(day)


@pytest.mark.parametrize(
    ("calendar", "day"),
    [
        ("XBOM", date(2024, 1, 20)),  # BSE special session on a Saturday
        ("XBOM", date(2025, 2, 1)),  # Union Budget on a Saturday
        ("XBOM", date(2026, 2, 1)),  # Union Budget on a Sunday
        ("XMOS", date(2024, 4, 27)),  # working Saturday, moved by government decree
        ("XTAE", date(2025, 12, 28)),  # Tel Aviv traded from Sunday to Thursday until 2026-01-04
    ],
)
def test_special_sessions_at_weekends_are_not_lost(calendar: str, day: date) -> None:
    assert trades_on(calendar, day)


def test_tel_aviv_trades_on_fridays_since_2026() -> None:
    assert not trades_on("XTAE", date(2025, 12, 26))
    assert trades_on("XTAE", date(2026, 1, 9))


def test_hong_kong_had_19_sessions_in_september_2023() -> None:
    assert len(sessions_between("XHKG", date(2023, 9, 1), date(2023, 9, 30))) == 19


@pytest.mark.parametrize("calendar", ["XNYS", "XETR", "XLON", "XSWX", "XPAR", "XTKS"])
@pytest.mark.filterwarnings("ignore")
def test_where_the_library_has_no_known_fault_the_sessions_are_its_own(calendar: str) -> None:
    published = exchange_calendars.get_calendar(calendar, start="2000-01-01", end="2029-12-31").sessions
    found = sessions_between(calendar, date(2000, 1, 1), date(2029, 12, 31))
    assert found == tuple(session.date() for session in published)


def test_nasdaq_and_the_national_stock_exchange_keep_the_calendar_of_their_neighbours() -> None:
    assert sessions("XNAS") == sessions("XNYS")
    assert sessions("XNSE") == sessions("XBOM")


def test_agricultural_futures_trade_on_a_day_on_which_financial_ones_do_not() -> None:
    assert trades_on("XCBT", date(2025, 1, 9)) and not trades_on("CMES", date(2025, 1, 9))
    assert [day for day in sessions("XCBT") if day.year == 2025 and day not in sessions("CMES")] == [date(2025, 1, 9)]


def test_a_new_market_and_a_closure_are_rows_of_the_table(tmp_path: Path) -> None:
    table = FILE.read_text() + "  XNEW: {same_as: XETR, closed: {2026-01-07: flood}, opened: {2026-01-10: in its place}}\n"
    (tmp_path / "calendars.yaml").write_text(table)
    rules = calendar_rules(tmp_path / "calendars.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calendars, "calendar_rules", lambda: rules)
        sessions.cache_clear()
        assert sessions_between("XNEW", date(2026, 1, 6), date(2026, 1, 12)) == tuple(date(2026, 1, day) for day in (6, 8, 9, 10, 12))
    sessions.cache_clear()


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("[UnitedKingdom, Settlement]", "[UnitedKingdom, Banks]", "banks.UK-SETTLEMENT .* 'UnitedKingdom Banks' is no calendar"),
        ("2023-09-01:", "September:", r"markets.XHKG.closed.September"),
        ("same_as: CMES", "like: CMES", "markets.XCBT.like is 'CMES'"),
        ("markets:", "markets: [", "calendars.yaml is not valid YAML"),
    ],
)  # fmt: skip
def test_an_error_in_the_table_is_named(tmp_path: Path, before: str, after: str, told: str) -> None:
    text = FILE.read_text()
    assert before in text
    (tmp_path / "calendars.yaml").write_text(text.replace(f"\n{before}" if before == "markets:" else before,
                                                          f"\n{after}" if before == "markets:" else after, 1))  # fmt: skip
    with pytest.raises(ValueError, match=told):
        calendar_rules(tmp_path / "calendars.yaml")


def test_counting_starts_at_the_next_session() -> None:
    saturday = date(2026, 1, 3)
    assert add_sessions("XETR", saturday, 0) == date(2026, 1, 5)
    assert add_sessions("XETR", saturday, 2) == date(2026, 1, 7)
    assert previous_session("XETR", date(2026, 1, 5)) == date(2026, 1, 2)
    assert next_session("XETR", date(2025, 12, 23)) == date(2025, 12, 29)


def test_a_pay_date_rolls_to_the_next_session_and_beyond_the_calendar_over_weekends() -> None:
    assert roll_following("XETR", date(2026, 4, 3)) == date(2026, 4, 7)  # Good Friday and Easter Monday
    assert roll_following("XBOM", date(2030, 6, 15)) == date(2030, 6, 17)  # Mumbai publishes one year ahead


def test_an_unknown_calendar_and_a_date_beyond_one_are_named() -> None:
    with pytest.raises(ValueError, match="no trading calendar is known for 'XNEW'"):
        sessions("XNEW")
    with pytest.raises(ValueError, match="the calendar of XBOM is published from"):
        next_session("XBOM", date(2030, 1, 1))


def test_banks_close_on_two_days_on_which_new_york_trades() -> None:
    days = sessions_between("XNYS", date(2026, 1, 1), date(2026, 12, 31))
    closed = [day for day in days if not is_bank_day("US-FEDERAL-RESERVE", day)]
    assert closed == [date(2026, 10, 12), date(2026, 11, 11)]  # Columbus Day, Veterans Day
