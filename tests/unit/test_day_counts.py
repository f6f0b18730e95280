"""The table of day counts, procedures/day_counts.yaml: a new convention is a row, and an error in one is named."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from posttrade.domain import day_counts
from posttrade.domain.day_counts import FILE, InterestPeriodTerms, conventions, needs_schedule, years_between

START, END = date(2024, 1, 31), date(2024, 3, 31)
ROWS = """
ACT/250: {quantlib: [Actual360], year_days: 250, source: a test}
30E+/365: {thirty: {end_on_31: is the first of the next month}, year_days: 365, source: a test}
FRENCH: {own: AFB, source: a test}
PERIODS: {own: ICMA, source: a test}
"""


def test_a_new_convention_is_a_row_of_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "day_counts.yaml").write_text(FILE.read_text() + ROWS)
    table = conventions(tmp_path / "day_counts.yaml")
    monkeypatch.setattr(day_counts, "conventions", lambda: table)
    # 29 days of February and 31 of March
    assert years_between("ACT/250", START, END) == Fraction(60, 250)
    # from the 30th of January to the 1st of April
    assert years_between("30E+/365", START, END) == Fraction(61, 365)
    # 29 February lies in what is counted: over 366
    assert years_between("FRENCH", START, END) == Fraction(60, 366)
    assert needs_schedule("PERIODS")
    with pytest.raises(ValueError, match="PERIODS"):
        years_between("PERIODS", START, END, InterestPeriodTerms(START, END, 2, False, None))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("[Actual364]", "[Actual363]", r"day_counts.yaml: ACT/364 .* 'Actual363' is no day counter of QuantLib"),
        ("[Thirty360, USA]", "[Thirty360]", r"30/360 US .* 'Thirty360' is no day counter"),
        ("[Actual364]", "[Date]", r"ACT/364 .* 'Date' is no day counter"),
        ("[Thirty360, USA]", "[Thirty360, Utah]", r"30/360 US .* 'Thirty360 Utah' is no day counter"),
        ("  own: AFB\n", "  own: BFA\n", r"ACT/ACT AFB.own is 'BFA'"),
        ("  own: AFB\n", "  own: AFB\n  quantlib: [Actual360]\n", "expected one of quantlib, thirty and own"),
        ("  own: AFB\n", "  own: AFB\n  year_days: 365\n", "expected year_days where the count does not know its years"),
        ("  year_days: 364\n", "", "expected year_days where the count does not know its years"),
        ("  year_days: 364\n", "  year_days: 0\n", "0 are not the days of a year"),
        ("end_on_31: is the 30th,", "end_on_31: is the 29th,", r"30E/365.thirty.end_on_31 is 'is the 29th'"),
        ("  own: AFB\n", "  own: AFB\n  days: 3\n", r"ACT/ACT AFB.days is 3"),
        ("1/1:", "1/1: [", "day_counts.yaml is not valid YAML"),
    ],
)
def test_an_error_in_the_table_is_named(tmp_path: Path, before: str, after: str, told: str) -> None:
    text = FILE.read_text()
    assert before in text
    (tmp_path / "day_counts.yaml").write_text(text.replace(before, after, 1))
    with pytest.raises(ValueError, match=told):
        conventions(tmp_path / "day_counts.yaml")
