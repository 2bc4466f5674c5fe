"""`qa-audit vendor`: adding, listing and changing vendors."""

from __future__ import annotations

import pytest

from qa_audit.config import Settings
from qa_audit.runtime import Runtime
from tests.cli.serving import run


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_a_vendor_is_added_listed_and_changed(runtime: Runtime) -> None:
    assert run(runtime, "vendor", "list").output.startswith("There are no vendors yet")
    added = run(runtime, "vendor", "add", "acme", "--name", "Acme Support", "--channels", "agent-right")
    assert (added.exit_code, "right" in added.output) == (0, True)
    assert run(runtime, "vendor", "add", "zenith").exit_code == 0
    changed = run(runtime, "vendor", "set", "acme", "--channels", "agent-left")
    assert (changed.exit_code, "left" in changed.output) == (0, True)
    listed = run(runtime, "vendor", "list").output.splitlines()
    assert [line.split()[0] for line in listed] == ["acme", "zenith"]
    assert "0 calls  agent-left   Acme Support" in listed[0]


def test_a_pattern_is_set_and_tried(runtime: Runtime) -> None:
    run(runtime, "vendor", "add", "acme")
    pattern = r"_AGENT_(?P<agent>[^_]+)_DT_(?P<started_at>[0-9T-]+)"
    name = "Auto0_GUID_000_AGENT_ChrisL_DT_2025-02-19T06-01-22_Mono.wav"
    shown = run(runtime, "vendor", "set", "acme", "--filename-pattern", pattern, "--try", name)
    assert "agent: ChrisL" in shown.output
    assert "started_at: 2025-02-19T06:01:22+00:00" in shown.output
    assert "reads nothing" in run(runtime, "vendor", "set", "acme", "--try", "x.wav").output
    assert pattern in run(runtime, "vendor", "list").output
    assert run(runtime, "vendor", "set", "acme", "--filename-pattern", "").exit_code == 0
    without = run(runtime, "vendor", "set", "acme", "--try", "x.wav")
    assert (without.exit_code, "no pattern" in without.output) == (0, True)


def test_names_to_expect_are_added_replaced_and_removed(runtime: Runtime) -> None:
    added = run(runtime, "vendor", "add", "acme", "--hint", "Northwind", "--hint", " Star  Air ")
    assert "names to expect: Northwind, Star Air" in added.output
    assert "Northwind" in run(runtime, "vendor", "set", "acme", "--name", "Acme").output
    assert "names to expect: Kestrel\n" in run(runtime, "vendor", "set", "acme", "--hint", "Kestrel").output
    removed = run(runtime, "vendor", "set", "acme", "--hint", "")
    assert (removed.exit_code, "names to expect" in removed.output) == (0, False)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("add", "Not A Slug"), 2),
        (("add", "acme"), 1),
        (("add", "other", "--channels", "both"), 2),
        (("add", "other", "--filename-pattern", "("), 2),
        (("add", "other", "--hint", "x" * 41), 2),
        (("add", "other", *(part for n in range(21) for part in ("--hint", f"Brand {n}"))), 2),
        (("set", "nobody", "--name", "X"), 1),
        (("add",), 2),
    ],
)
def test_a_mistake_is_one_clear_line(runtime: Runtime, arguments: tuple[str, ...], code: int) -> None:
    run(runtime, "vendor", "add", "acme")
    result = run(runtime, "vendor", *arguments)
    assert result.exit_code == code
    assert "Traceback" not in result.output
    if "usage" not in result.output.lower():
        assert result.output.startswith("qa-audit: ")
        assert result.output.count("\n") == 1


def test_without_a_schema_the_command_says_what_to_run_first(runtime: Runtime, settings: Settings) -> None:
    result = run(
        runtime, "vendor", "list", QA_AUDIT_DATABASE_URL=f"sqlite:///{settings.data_dir}/new.sqlite3"
    )
    assert result.exit_code == 2
    assert "qa-audit db upgrade" in result.output


@pytest.mark.parametrize("arguments", [(), ("add",), ("list",), ("set",)])
def test_every_help_has_an_example(runtime: Runtime, arguments: tuple[str, ...]) -> None:
    assert "Example: qa-audit vendor" in run(runtime, "vendor", *arguments, "--help").output
