"""Writes the Great Expectations project `expectations/` from the catalogue: code makes it, git keeps it, a test compares."""

import json
import uuid
from pathlib import Path
from typing import Any

from posttrade.controls.catalogue import Control, Suite, all_controls, controls_of

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "posttrade/expectations")
DATASOURCE, ASSET, BATCH = "firm", "today", "today"
BUSINESS_DATE_QUERY = "select current_setting('posttrade.business_date')::date as business_date"


def identifier(*names: str) -> str:
    """The UUID of a part of the project; the same name gives the same one."""
    return str(uuid.uuid5(NAMESPACE, "/".join(names)))


def project_files() -> dict[str, str]:
    """Every file of the project, by its path inside `expectations/`."""
    files = {"great_expectations.yml": _CONTEXT}
    for suite in Suite:
        for folder, content in (
            ("suites", _suite(suite)),
            ("validation_definitions", _validation_definition(suite)),
            ("checkpoints", _checkpoint(suite)),
        ):
            files[f"{folder}/{suite}.json"] = json.dumps(content, indent=2, sort_keys=True) + "\n"
    files["README.md"] = _README + controls_table()
    return files


def controls_table() -> str:
    """The page that lists every control."""
    lines = [f"\n{len(all_controls())} controls.\n"]
    for suite in Suite:
        lines += [f"\n## {suite}\n", "| control | severity | owner | product line | holds when | what to do |", "|---|---|---|---|---|---|"]
        lines += [
            f"| `{one.control_id}` | {one.severity} | {one.owner} | {one.product_line} | {one.statement} | {one.remedy} |"
            for one in controls_of(suite)
        ]
    return "\n".join(lines) + "\n"


def build(root: Path) -> None:
    """Write the project and the page of controls into the repository at `root`."""
    for name, content in project_files().items():
        path = root / "expectations" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")


def _suite(suite: Suite) -> dict[str, Any]:
    return {
        "name": str(suite),
        "id": identifier("suite", suite),
        "expectations": [_expectation(control) for control in controls_of(suite)],
        "meta": {"great_expectations_version": "1.24.1"},
        "notes": None,
    }


def _expectation(control: Control) -> dict[str, Any]:
    return {
        "type": "unexpected_rows_expectation",
        "id": identifier("control", control.control_id),
        "severity": str(control.severity),
        "description": control.statement,
        "kwargs": {"unexpected_rows_query": control.query},
        "meta": {"control_id": control.control_id, "product_line": control.product_line, "owner": str(control.owner)},
    }


def _validation_definition(suite: Suite) -> dict[str, Any]:
    return {
        "name": str(suite),
        "id": identifier("validation_definition", suite),
        "suite": {"name": str(suite), "id": identifier("suite", suite)},
        "data": {
            "datasource": {"name": DATASOURCE, "id": identifier("datasource")},
            "asset": {"name": ASSET, "id": identifier("asset")},
            "batch_definition": {"name": BATCH, "id": identifier("batch_definition")},
        },
    }


def _checkpoint(suite: Suite) -> dict[str, Any]:
    return {
        "name": str(suite),
        "id": identifier("checkpoint", suite),
        "validation_definitions": [{"name": str(suite), "id": identifier("validation_definition", suite)}],
        "actions": [],
        "result_format": "SUMMARY",
    }


_README = """# Controls

Written by `python -m posttrade.controls.build` from the catalogue in `plugins/posttrade/controls/suites/`; do not edit by hand.
A critical failure lets the day go on to its report and blocks what leaves the house; a warning opens an alert for its owner; info is noted.
"""

_CONTEXT = f"""# Written by python -m posttrade.controls.build; do not edit by hand.
config_version: 4.0
plugins_directory:
expectations_store_name: expectations_store
validation_results_store_name: validation_results_store
checkpoint_store_name: checkpoint_store
stores:
  expectations_store:
    class_name: ExpectationsStore
    store_backend: {{class_name: TupleFilesystemStoreBackend, base_directory: suites/}}
  validation_definition_store:
    class_name: ValidationDefinitionStore
    store_backend: {{class_name: TupleFilesystemStoreBackend, base_directory: validation_definitions/}}
  checkpoint_store:
    class_name: CheckpointStore
    store_backend: {{class_name: TupleFilesystemStoreBackend, suppress_store_backend_id: true, base_directory: checkpoints/}}
  validation_results_store:
    class_name: ValidationResultsStore
    store_backend: {{class_name: TupleFilesystemStoreBackend, base_directory: "${{POSTTRADE_GX_RESULTS}}"}}
data_docs_sites:
  firm:
    class_name: SiteBuilder
    show_how_to_buttons: false
    store_backend: {{class_name: TupleFilesystemStoreBackend, base_directory: "${{POSTTRADE_GX_DOCS}}"}}
    site_index_builder: {{class_name: DefaultSiteIndexBuilder}}
analytics_enabled: false
fluent_datasources:
  {DATASOURCE}:
    type: postgres
    id: {identifier("datasource")}
    connection_string: ${{POSTTRADE_GX_URL}}
    assets:
      {ASSET}:
        type: query
        id: {identifier("asset")}
        query: {BUSINESS_DATE_QUERY}
        batch_definitions:
          {BATCH}:
            id: {identifier("batch_definition")}
            partitioner:
"""

if __name__ == "__main__":
    from posttrade.settings import get_settings

    build(get_settings().root)
