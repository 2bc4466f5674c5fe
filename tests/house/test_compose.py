"""The files for a real deployment name only commands, settings and secrets that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from qa_audit.cli.main import COMMANDS, main
from qa_audit.config import PREFIX, SECRETS, Settings

REPOSITORY = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def parse(words: list[str]) -> None:
    """Find the command and parse its options without running it; raises what click raises."""
    context = click.Context(main)
    command: click.Command | None = main
    rest = list(words)
    while isinstance(command, click.Group):
        name = rest.pop(0)
        command = command.get_command(context, name)
        assert command is not None, f"there is no command {name!r}"
    assert command is not None
    command.make_context(words[0], rest)


def seconds(written: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([sm])", written).groups()  # type: ignore[union-attr]
    return int(number) * (60 if unit == "m" else 1)


def test_every_part_of_an_installation_is_there() -> None:
    commands = {service["command"][0] for service in OURS.values()}
    assert commands == {"serve", "worker", "sweep", "db"}
    assert {"redis", "postgres"} <= SERVICES.keys()
    queues = {
        service["command"][service["command"].index("--queues") + 1]
        for service in OURS.values()
        if service["command"][0] == "worker"
    }
    assert queues == {"default", "transcription"}


@pytest.mark.parametrize("name", OURS)
def test_the_command_of_every_service_exists_and_takes_its_options(name: str) -> None:
    words = OURS[name]["command"]
    assert words[0] in COMMANDS
    parse(words)


def test_the_commands_in_health_checks_and_the_image_exist() -> None:
    for service in OURS.values():
        check = service.get("healthcheck", {}).get("test", [])
        if "qa-audit" in check:
            parse(check[check.index("qa-audit") + 1 :])
    assert re.search(r'^ENTRYPOINT \["qa-audit"\]$', DOCKERFILE, re.MULTILINE)
    default = re.search(r"^CMD \[(.+)\]$", DOCKERFILE, re.MULTILINE)
    assert default is not None
    parse([word.strip(" ,") for word in shlex.split(default[1].replace(",", " "))])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_restarts_is_healthy_or_says_so_and_may_finish(name: str) -> None:
    service = SERVICES[name]
    if name == "migrate":
        assert service["restart"] == "no"
        return
    assert service["restart"] == "always"
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert {"interval", "timeout", "retries"} <= service["healthcheck"].keys()
    assert seconds(service["stop_grace_period"]) >= 60


@pytest.mark.parametrize("name", OURS)
def test_our_services_stop_before_they_are_killed_and_wait_for_the_tables(name: str) -> None:
    service = OURS[name]
    assert seconds(service["stop_grace_period"]) > Settings().grace_seconds
    awaited = service["depends_on"]
    if name == "migrate":
        assert awaited == {"postgres": {"condition": "service_healthy"}}
    else:
        assert awaited["migrate"]["condition"] == "service_completed_successfully"


@pytest.mark.parametrize("name", OURS)
def test_our_services_have_few_rights(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    assert re.search(r"^USER (?!root|0)\S+$", DOCKERFILE, re.MULTILINE)


def test_only_the_pages_are_reachable_and_only_from_this_machine() -> None:
    assert [name for name, service in SERVICES.items() if service.get("ports")] == ["web"]
    assert all(port.startswith("127.0.0.1:") for port in SERVICES["web"]["ports"])


def test_every_setting_in_the_deployment_files_is_one() -> None:
    text = (REPOSITORY / "compose.yaml").read_text(encoding="utf-8") + DOCKERFILE
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    known |= {f"{PREFIX}{name}_FILE" for name in SECRETS}
    used = set(re.findall(r"QA_AUDIT_[A-Z_]+", text))
    assert used <= known
    assert {"QA_AUDIT_DATABASE_URL_FILE", "QA_AUDIT_REDIS_URL_FILE", "QA_AUDIT_SECRET_KEY_FILE"} <= used


def test_every_secret_is_a_file_that_is_declared_and_every_one_declared_is_used() -> None:
    declared = COMPOSE["secrets"]
    assert all(set(secret) == {"file"} for secret in declared.values())
    given = {name: set(service.get("secrets", ())) for name, service in SERVICES.items()}
    assert set().union(*given.values()) == set(declared)
    for name, service in SERVICES.items():
        written = yaml.safe_dump(service)
        assert set(re.findall(r"/run/secrets/(\w+)", written)) == given[name], name
        assert not re.search(r"(?i)(password|secret_key): (?!/run/secrets/)", written), name


def test_every_volume_is_declared_and_kept() -> None:
    used = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])
    assert {"data:/data"} == {volume for service in OURS.values() for volume in service["volumes"]}


def test_redis_never_forgets_a_hint_for_want_of_memory_and_shows_its_password_to_nobody() -> None:
    script = SERVICES["redis"]["command"][-1]
    assert "--maxmemory-policy noeviction" in script
    assert "--requirepass" not in script


def test_the_image_holds_everything_that_the_package_is_made_of() -> None:
    copied = set(re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE))
    files = {name for words in copied for name in words.split()}
    assert {"qa_audit", "workers", "templates", "static", "rubrics", "constraints.txt", "LICENSE"} <= files
    kept = re.findall(r"^!(\S+)$", (REPOSITORY / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert files == set(kept)
