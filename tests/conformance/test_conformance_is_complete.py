"""Every case of the collection is answered or stands in data/conformance/not_taken.csv with the reason; docs/conformance.md counts."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

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
        if path.stem not in ("not_taken", "taken_elsewhere"):
            for row in rows(path.stem):
                yield from re.findall(r"(?:PV|AC|LV|BV|DC|SC|CAL)-[-A-Z]*\d+|PF\d+", row.get("case", ""))
    for path in DATA.glob("*.yaml"):
        yield from re.findall(r"(?:LV|BV)-\d+", " ".join(_names(yaml.safe_load(path.read_text(encoding="utf-8")))))
    yield from (row["case"] for row in rows("taken_elsewhere"))


def _names(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        yield from (str(value) for key, value in document.items() if key in ("case", "id"))
        for value in document.values():
            yield from _names(value)
    elif isinstance(document, list):
        for value in document:
            yield from _names(value)


WHOLE = {row["case"] for row in rows("not_taken") if not row["part"]}
PARTS = {row["case"] for row in rows("not_taken") if row["part"]}


@pytest.mark.parametrize("name", COLLECTION)
def test_what_is_not_taken_is_exactly_the_rest(name: str) -> None:
    cases = COLLECTION[name]
    assert cases - set(answered()) == cases & WHOLE


def test_only_what_is_answered_is_left_out_in_part_and_each_has_its_reason() -> None:
    everything = set().union(*COLLECTION.values())
    assert set(answered()) >= PARTS
    assert everything >= WHOLE | PARTS | set(answered())
    assert all(row["reason"] for row in rows("not_taken"))


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
        cells[0]: tuple(int(cell) for cell in cells[1:4])
        for cells in ([cell.strip() for cell in line.strip("|").split("|")] for line in document.splitlines() if line.startswith("| "))
        if cells[0] in COLLECTION
    }
    assert stated == {name: (len(cases), len(cases - WHOLE), len(cases & WHOLE)) for name, cases in COLLECTION.items()}
    reasons = [line for line in document.splitlines() if line.startswith("- ")]
    for row in rows("not_taken"):
        assert any(row["case"] in line and row["reason"] in line for line in reasons), row
