"""What can be checked of the server deployment without a container engine."""

import re
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from posttrade.cli import app
from posttrade.settings import get_settings

ROOT = get_settings().root


@pytest.fixture
def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return document


def test_every_service_that_stays_up_says_how_it_is(compose: dict[str, Any]) -> None:
    assert set(compose["services"]) == {"postgres", "prepare", "api-server", "scheduler", "dag-processor", "triggerer"}
    for name, service in compose["services"].items():
        assert ("healthcheck" in service) == (service["restart"] != "no"), name


def test_ports_are_published_on_loopback_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:8080:8080"]


def test_no_secret_is_written_down(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|KEY", name):
                assert name.endswith("_FILE"), name
                assert str(value).startswith("/run/secrets/"), name
    assert ".secrets/" in (ROOT / ".gitignore").read_text(encoding="utf-8")


def test_images_are_pinned_and_commands_exist(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        assert re.search(r":\d+\.\d+", service["image"]), name
        if "command" in service:
            outcome = CliRunner().invoke(app, ["--help"])
            assert f" {service['command'][0]} " in outcome.output, service["command"]


def test_the_image_installs_the_locked_packages_as_an_unprivileged_user() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements.lock" in dockerfile
    assert dockerfile.index("USER posttrade") < dockerfile.index("ENTRYPOINT")
