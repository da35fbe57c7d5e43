"""Dockerfile, compose.yaml and Caddyfile keep what they promise, as far as that can be seen without an engine."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from hexad.main import hexad
from kernel.settings import Settings
from tests.house.test_files import PACKAGES, ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"] == "hexad:latest"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SECRETS = ("PASSWORD", "KEY")


def exists(command: list[str]) -> bool:
    """Whether these words are a command of the CLI."""
    found: click.Command = hexad
    for word in command:
        if not isinstance(found, click.Group) or word not in found.commands:
            return False
        found = found.commands[word]
    return not isinstance(found, click.Group)


def test_every_process_has_its_service() -> None:
    assert {*OURS} == {"migrate", "api", "realtime", "worker", "relay", "beat", "mailer"}
    assert {*SERVICES} - {*OURS} == {"postgres", "rabbitmq", "valkey", "roles", "caddy"}


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_a_service_exists_and_its_variables_are_settings(name: str) -> None:
    assert exists(OURS[name]["command"])
    variables = OURS[name]["environment"]
    assert {variable.removeprefix("HEXAD_").lower() for variable in variables} <= set(Settings.__struct_fields__)


def test_a_command_that_is_none_is_found() -> None:
    assert not exists(["serve"])
    assert not exists(["dance"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_limited_restarted_and_watched(name: str) -> None:
    service, job = SERVICES[name], name in {"migrate", "roles"}
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["restart"] == ("on-failure:5" if job else "unless-stopped")
    assert service["logging"]["options"]["max-size"]
    assert job or service["healthcheck"]["test"]


@pytest.mark.parametrize("name", OURS)
def test_our_processes_have_no_rights_that_they_do_not_need(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["stop_grace_period"].removesuffix("s")) > Settings().drain


def test_only_caddy_is_reached_from_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["caddy"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert COMPOSE["networks"]["edge"]["internal"] is True
    assert "inside" not in SERVICES["caddy"]["networks"]


def test_health_and_metrics_stay_inside() -> None:
    caddy = (ROOT / "Caddyfile").read_text()
    assert re.search(r"@inside path /metrics /metrics/\* /health /health/\*\n\s+respond @inside 404", caddy)
    assert not re.findall(r":800[2-4]", caddy)


def test_secrets_are_required_and_have_no_defaults() -> None:
    used = re.findall(r"\$\{([A-Z_]+)([^}]*)\}", (ROOT / "compose.yaml").read_text())
    assert {name for name, _ in used} >= {"POSTGRES_PASSWORD", "APP_PASSWORD", "OWNER_PASSWORD", "HEXAD_TOKEN_KEY"}
    assert {rest for _, rest in used} == {":?set it in .env"}
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            assert not variable.endswith(SECRETS) or value.startswith("${"), variable


def test_the_app_never_gets_the_owners_password() -> None:
    owners = [name for name, service in OURS.items() if "OWNER_PASSWORD" in str(service["environment"])]
    assert owners == ["migrate"]


def test_forwarded_addresses_are_believed_from_the_door_alone() -> None:
    def subnet(network: str) -> str:
        return str(COMPOSE["networks"][network]["ipam"]["config"][0]["subnet"])

    assert OURS["api"]["environment"]["HEXAD_TRUSTED_PROXIES"] == subnet("edge")
    assert OURS["api"]["environment"]["HEXAD_METRICS_FROM"] == subnet("inside")


def test_images_are_pinned_to_a_major_version() -> None:
    others = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    assert [image for image in others if not re.search(r":\d", image)] == []


def test_the_dockerfile_passes_its_linter_and_a_bad_one_does_not(tmp_path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    assert subprocess.run([hadolint, ROOT / "Dockerfile"], check=False).returncode == 0
    (tmp_path / "Dockerfile").write_text("FROM python:latest\nRUN cd /tmp && pip install uv\n")
    assert subprocess.run([hadolint, tmp_path / "Dockerfile"], check=False, capture_output=True).returncode == 1


def test_the_image_runs_as_nobody_in_particular_is_watched_and_holds_every_package() -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER \d+:\d+$", last, re.MULTILINE)
    assert re.search(r'^HEALTHCHECK .* CMD \["hexad", "health"\]$', last, re.MULTILINE)
    assert re.findall(r"^COPY (\w+)/ \1/$", DOCKERFILE, re.MULTILINE) == sorted(PACKAGES)
    assert not re.search(r"(KEY|PASSWORD|SECRET|TOKEN)\s*=", DOCKERFILE)


def test_only_what_is_needed_is_given_to_the_builder() -> None:
    let_in = {line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"}
    assert let_in == {*PACKAGES, "pyproject.toml", "uv.lock", "README.md"}
