"""Every case of the collection is answered, or stands in data/conformance/not_taken.csv, whole or in part, with the reason;
docs/conformance.md counts.

What is left out of a case that is answered is marked where it is answered. Whether a mark is missing is asked where the source's result
stands beside the answer: of early closes, of the value that a note is about, and of bug reports (right_results.csv).
"""

import csv
import itertools
import re
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from posttrade.settings import get_settings

TESTS = Path(__file__).parents[1]
DATA = TESTS / "data" / "conformance"
GILTS_AND_OTHERS = """GILT-1 GILT-2 AGB-1 AGB-2 AGCY-1 AGCY-3 CF-1 CF-2 CF-3 CF-4 UST-1 UST-2 UST-5 UST-6 EOM-1 EOM-4 EOM-5 GILT-4 ZA-1
    ARB-1 STR-1 STR-2 STR-4 STR-5 STR-6 ORE-1 ORE-2 ORE-3 ORE-4 ORE-5 ORE-6 ORE-7 ORE-8 ORE-14"""
COLLECTION = {
    "Day counts": {f"DC-V{number:03}" for number in range(1, 323)},
    "Schedules and business days": {f"SC-V{number:03}" for number in range(1, 102)},
    "Calendars": {f"CAL-V{number:02}" for number in range(1, 48)},
    "Accrued interest and coupons": {f"AC-{name}" for name in GILTS_AND_OTHERS.split()},
    "Lots": {f"LV-{number:02}" for number in range(1, 40)},
    "Bug reports": {f"BV-{number:02}" for number in range(1, 40)},
    "Returns": {f"PF{number:02}" for number in (1, 4, 6, 8, 9, 12, 14, 16, 18, 20, 22)} | {f"PV-{number:02}" for number in range(1, 15)},
}


def rows(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def answered() -> Iterator[str]:
    """The cases that answer files name."""
    for path in DATA.glob("*.csv"):
        if path.stem not in ("not_taken", "taken_elsewhere", "right_results"):
            for row in rows(path.stem):
                yield from re.findall(r"(?:PV|AC|LV|BV|DC|SC|CAL)-[-A-Z]*\d+|PF\d+", row.get("case", ""))
    for entry in entries():
        if entry.get("is_answer", True):
            yield from cases_of(entry)
    yield from (row["case"] for row in rows("taken_elsewhere"))


def entries() -> Iterator[dict[str, Any]]:
    """What the answer files in YAML have of a case, each."""
    for path in DATA.glob("*.yaml"):
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
        for entry in itertools.chain(*document.values()) if isinstance(document, dict) else document:
            assert cases_of(entry), entry
            yield entry


def cases_of(entry: dict[str, Any]) -> list[str]:
    return re.findall(r"(?:LV|BV)-\d+", f"{entry.get('id', '')} {entry.get('case', '')}")


def marked() -> Iterator[tuple[str, str]]:
    """The cases of which something is left out, with what it is, by the answers themselves."""
    for entry in entries():
        left_out = entry.get("left_out", [])
        for part in [left_out] if isinstance(left_out, str) else left_out:
            for case in cases_of(entry):
                yield case, part
    yield from ((row["case"], row["left_out"]) for row in rows("taken_elsewhere") if row["left_out"])
    yield from ((row["case"], "closing time") for row in rows("sessions") if row["expected"] == "early_close")
    yield from ((row["case"], "value of the source") for row in rows("day_counts_icma") if row["note"])


NOT_TAKEN = rows("not_taken")
WHOLE = {row["case"] for row in NOT_TAKEN if not row["part"]}
PARTS = {(row["case"], row["part"]) for row in NOT_TAKEN if row["part"]}
IN_PART = {case for case, _ in PARTS}


@pytest.mark.parametrize("name", COLLECTION)
def test_what_is_not_taken_is_exactly_the_rest(name: str) -> None:
    cases = COLLECTION[name]
    assert cases - set(answered()) == cases & WHOLE


def test_only_what_is_answered_is_left_out_in_part_and_each_has_its_reason() -> None:
    everything = set().union(*COLLECTION.values())
    assert set(answered()) >= IN_PART
    assert not IN_PART & WHOLE
    assert everything >= WHOLE | IN_PART | set(answered())
    assert all(row["reason"] for row in NOT_TAKEN)


def test_what_the_answers_leave_out_is_exactly_what_is_named() -> None:
    assert set(marked()) == PARTS


def test_all_that_a_bug_report_says_is_right_is_answered_or_named() -> None:
    """Each figure that is right stands among the expected ones of its case, or names where else it is tested, or what of it is left out."""
    stated = [row for row in rows("right_results") if row["case"] not in WHOLE]
    assert {row["case"] for row in stated} == COLLECTION["Bug reports"] - WHOLE
    figures: dict[str, set[object]] = defaultdict(set)
    for entry in entries():
        for case in cases_of(entry):
            figures[case] |= {Decimal(str(figure)) for figure in _figures(entry.get("expected", {}))}
            figures[case] |= {entry["because"]} if "because" in entry else set()
    left_out, cases = set(), set(answered())
    for row in stated:
        case, answer = row["case"], row["answered"]
        if answer.startswith("left out: "):
            left_out.add((case, answer.removeprefix("left out: ")))
        elif "::" in answer:
            file, _, function = answer.partition("::")
            assert f"def {function}(" in (TESTS / file).read_text(encoding="utf-8"), row
        elif re.fullmatch(r"-?[0-9.]+", answer):
            assert Decimal(answer) in figures[case], row
        else:
            assert answer in figures[case] | cases, row
    assert left_out == {(case, part) for case, part in PARTS if case in COLLECTION["Bug reports"]}


def _figures(expected: object) -> Iterator[object]:
    """The leaves of what an entry expects."""
    if isinstance(expected, dict | list):
        for one in expected.values() if isinstance(expected, dict) else expected:
            yield from _figures(one)
    else:
        yield expected


def test_what_is_answered_elsewhere_is_there() -> None:
    cases = set(answered())
    for row in rows("taken_elsewhere"):
        file, _, function = row["where"].partition("::")
        if function:
            assert f"def {function}(" in (TESTS / file).read_text(encoding="utf-8"), row
        else:
            assert file in cases, row


def test_the_documentation_counts_them() -> None:
    document = (get_settings().root / "docs" / "conformance.md").read_text(encoding="utf-8")
    stated = {
        cells[0]: tuple(int(cell) for cell in cells[1:5])
        for cells in ([cell.strip() for cell in line.strip("|").split("|")] for line in document.splitlines() if line.startswith("| "))
        if cells[0] in COLLECTION
    }
    assert stated == {
        name: (len(cases), len(cases - WHOLE - IN_PART), len(cases & IN_PART), len(cases & WHOLE)) for name, cases in COLLECTION.items()
    }
    whole, parts = document.split("## Not taken\n")[1].split("## Not taken in part\n")
    for row in NOT_TAKEN:
        named = f"{row['case']} ({row['part']})" if row["part"] else row["case"]
        lines = [line for line in (parts if row["part"] else whole).splitlines() if line.startswith("- ")]
        assert any(named in line and row["reason"] in line for line in lines), row
