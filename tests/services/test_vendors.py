"""Vendors: added on purpose, changed with care, and file names read by their patterns."""

from __future__ import annotations

import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from qa_audit.domain.access import Actor
from qa_audit.errors import Conflict, Forbidden, Invalid, NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import filename_patterns, vendors
from qa_audit.services.filename_patterns import check, read
from tests.api.helping import ADMIN, REVIEWER

ZONE = ZoneInfo("Europe/Berlin")
EXAMPLE = "Auto0_GUID_000_AGENT_ChrisL_DT_2025-02-19T06-01-22_Mono.wav"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def test_a_vendor_is_added_listed_and_changed(runtime: Runtime) -> None:
    vendors.add(runtime, ADMIN, "zenith", " Zenith  Ltd ")
    vendors.add(runtime, ADMIN, "acme", "Acme", channels="agent-right")
    assert [(one.slug, one.name, one.calls) for one in vendors.list_vendors(runtime, REVIEWER)] == [
        ("acme", "Acme", 0),
        ("zenith", "Zenith Ltd", 0),
    ]
    changed = vendors.update(runtime, ADMIN, "acme", channels="agent-left", filename_pattern="(?P<agent>.+)")
    assert (changed.channels, changed.filename_pattern, changed.name) == (
        "agent-left",
        "(?P<agent>.+)",
        "Acme",
    )
    assert vendors.update(runtime, ADMIN, "acme", filename_pattern="").filename_pattern is None


def test_a_slug_is_taken_once(runtime: Runtime) -> None:
    vendors.add(runtime, ADMIN, "acme", "Acme")
    with pytest.raises(Conflict):
        vendors.add(runtime, ADMIN, "acme", "Other")


@pytest.mark.parametrize("slug", ["", "Acme", "a b", "-a", "a-", "a_b", "x" * 65, "../a", "ä", "a\n"])
def test_a_slug_that_would_not_fit_an_address_is_refused(runtime: Runtime, slug: str) -> None:
    with pytest.raises(Invalid) as caught:
        vendors.add(runtime, ADMIN, slug, "Name")
    assert set(caught.value.fields) == {"slug"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "a\x07b"}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"channels": "both"}, "channels"),
    ],
)
def test_a_value_that_cannot_be_is_refused(runtime: Runtime, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        vendors.add(runtime, ADMIN, "acme", **{"name": "Acme", **values})
    assert set(caught.value.fields) == {field}


def test_only_admins_manage_vendors_and_others_see_their_own(runtime: Runtime) -> None:
    acme = vendors.add(runtime, ADMIN, "acme", "Acme")
    vendors.add(runtime, ADMIN, "zenith", "Zenith")
    with pytest.raises(Forbidden):
        vendors.add(runtime, REVIEWER, "third", "Third")
    with pytest.raises(Forbidden):
        vendors.update(runtime, REVIEWER, "acme", name="Mine")
    bound = Actor(id="t", role="read_token", vendor_id=acme.key)
    assert [one.slug for one in vendors.list_vendors(runtime, bound)] == ["acme"]
    for slug in ("zenith", "nobody"):
        with pytest.raises(NotFound) as caught:
            vendors.get(runtime, bound, slug)
        assert str(caught.value).replace(slug, "x") == "There is no vendor 'x'."


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        (
            r"_GUID_(?P<external_id>[^_]+)_AGENT_(?P<agent>[^_]+)_DT_(?P<started_at>[0-9T-]+)",
            EXAMPLE,
            {"external_id": "000", "agent": "ChrisL", "started_at": "2025-02-19T06:01:22+01:00"},
        ),
        (
            r"(?P<day>\d\d)\.(?P<month>\d\d)\.(?P<year>\d\d)_(?P<hour>\d\d)(?P<minute>\d\d)",
            "19.07.25_0601.wav",
            {"started_at": "2025-07-19T06:01:00+02:00"},
        ),
        (
            r"(?P<started_at>\d+)_(?P<queue>\w+)",
            "202502190601_refunds.wav",
            {"started_at": "2025-02-19T06:01:00+01:00", "queue": "refunds"},
        ),
        (r"(?P<started_at>.+)\.wav", "2025-02-19T06:01:22Z.wav", {"started_at": "2025-02-19T06:01:22+00:00"}),
        (r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)", "20251350.wav", {}),
        (r"(?P<started_at>\w+)-(?P<agent>\w+)", "never-Kim.wav", {"agent": "Kim"}),
        (r"(?P<custom_site>[A-Z]+)-(?P<direction>\w+)?", "NORTH-.wav", {"custom.site": "NORTH"}),
        (r"^x(?P<agent>.+)", "y.wav", {}),
    ],
)
def test_a_file_name_is_read_by_the_pattern(pattern: str, name: str, expected: dict[str, str]) -> None:
    assert read(check(pattern), name, ZONE) == expected


@pytest.mark.parametrize(
    "pattern",
    ["(", "no groups", "(?P<nonsense>x)", "(?P<agent>a)" + "b" * 500, r"(?P<agent>\w+", "(?P<vendor>.+)"],
)
def test_a_pattern_that_means_nothing_is_refused(pattern: str) -> None:
    with pytest.raises(Invalid) as caught:
        check(pattern)
    assert set(caught.value.fields) == {"filename_pattern"}


SLOW = (r"^(?P<agent>(a|a)+)$", r"^(?P<agent>(a|aa)+)$", r"^(?P<agent>([0-9]|[0-9-])*)$")


@pytest.mark.parametrize("pattern", SLOW)
def test_a_pattern_that_can_be_made_slow_is_refused_quickly(pattern: str) -> None:
    began = time.monotonic()
    with pytest.raises(Invalid):
        check(pattern)
    assert time.monotonic() - began < 5


def test_a_slow_pattern_in_the_database_costs_a_moment_and_reads_nothing() -> None:
    began = time.monotonic()
    assert read(SLOW[0], "a" * 200 + "!", ZONE) == {}
    assert time.monotonic() - began < filename_patterns.TIME_LIMIT + 2


def test_a_pattern_can_be_tried_before_it_is_set(runtime: Runtime) -> None:
    found = vendors.preview_pattern(runtime, r"_DT_(?P<started_at>[0-9T-]+)", EXAMPLE)
    assert found == {"started_at": "2025-02-19T06:01:22+00:00"}
    with pytest.raises(Invalid):
        vendors.preview_pattern(runtime, "(", EXAMPLE)
