"""The committed Great Expectations project is what the catalogue says."""

from posttrade.controls.build import project_files
from posttrade.controls.catalogue import Severity, all_controls
from posttrade.settings import get_settings


def test_the_committed_files_are_the_builders() -> None:
    folder = get_settings().root / "expectations"
    assert {name: (folder / name).read_text(encoding="utf-8") for name in project_files()} == project_files()


def test_there_are_controls_of_every_severity_and_ids_are_unique() -> None:
    controls = all_controls()
    assert len(controls) >= 24
    assert {control.severity for control in controls} == set(Severity)
    assert len({control.control_id for control in controls}) == len(controls)
