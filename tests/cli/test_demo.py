"""What the demo chooses and prints."""

from __future__ import annotations

import dataclasses
import re
import socket
from pathlib import Path

import pytest

from qa_audit.cli import demo
from qa_audit.cli.children import Children
from qa_audit.config import Settings
from qa_audit.errors import Invalid
from qa_audit.runtime import Runtime
from qa_audit.services import bundled_calls, demo_data
from qa_audit.services.bundled_calls import Comparison, FaultFound, Line, PlantedFault
from qa_audit.services.calls import CallProgress
from qa_audit.services.demo_data import Report


def a_report(*verdicts: str, faults: int = 0, found: int = 0, **values: object) -> Report:
    call = bundled_calls.load_bundle().expected[0]
    lines = tuple(Line(f"S{n}", "yes", "no", verdict) for n, verdict in enumerate(verdicts, 1))
    planted = tuple(FaultFound(PlantedFault("S1", "words", 1, 2), n < found) for n in range(faults))
    usual = {
        "call": call,
        "status": "prescored",
        "failure": None,
        "seconds": 68.9,
        "words": 142,
        "percents": {"brand-consistency": 100.0, "service-quality": None},
        "comparison": Comparison(lines, planted),
    }
    return Report(**{**usual, **values})


def cache_model(settings: Settings, name: str) -> None:
    settings.model_cache.mkdir(parents=True, exist_ok=True)
    for suffix in (".pt", ".sha256"):
        (settings.model_cache / f"{name}{suffix}").write_text("x")


def test_without_any_model_it_takes_the_demo_model(tmp_path: Path) -> None:
    assert demo.demo_settings(Settings(data_dir=tmp_path)).whisper_model == "demo"


def test_a_real_model_that_is_here_already_is_taken(tmp_path: Path) -> None:
    cache_model(Settings(data_dir=tmp_path), "small.en")
    assert demo.demo_settings(Settings(data_dir=tmp_path)).whisper_model == "small.en"
    cache_model(Settings(data_dir=tmp_path), "base.en")
    assert demo.demo_settings(Settings(data_dir=tmp_path)).whisper_model == "base.en"


def test_a_model_that_is_set_is_taken_whatever_is_here(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, whisper_model="tiny.en")
    assert demo.demo_settings(settings).whisper_model == "tiny.en"


def test_options_win_over_settings(tmp_path: Path) -> None:
    settings = demo.demo_settings(Settings(port=8000), 8123, tmp_path / "there")
    assert (settings.port, settings.data_dir) == (8123, tmp_path / "there")


def test_a_taken_port_is_refused_with_the_option_that_helps() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Invalid, match=f"Port {port} is taken.*--port"):
            demo.ensure_port_free(port)
    demo.ensure_port_free(port)


def test_passwords_differ_between_installations_and_stay_within_one(tmp_path: Path) -> None:
    found = []
    for name in ("one", "one", "two"):
        runtime = Runtime(Settings(data_dir=tmp_path / name))
        runtime.db.upgrade()
        found.append([(person.role, person.password) for person in demo_data.add_people(runtime)])
        runtime.db.dispose()
    assert found[0] == found[1]
    assert not {password for _, password in found[0]} & {password for _, password in found[2]}


def test_the_table_has_one_line_per_call_and_counts_agreement(capsys: pytest.CaptureFixture[str]) -> None:
    assert not demo.show_reports([a_report("agree", "agree", "unsure", faults=2, found=1)])
    said = capsys.readouterr().out
    assert (
        "call-01  Brightline     68.9    142              100.0                -      2       1         0"
        in said
    )
    assert "call-01 S3: expected yes, found no" in said
    assert "call-01 S1: the fault at 1.0 to 2.0 s was not found" in said
    assert "agree 2 (66.7 %), unsure 1 (33.3 %), opposite 0 (0.0 %), of 3" in said
    assert "Planted faults found: 1 of 2" in said


@pytest.mark.parametrize(
    "bad",
    [
        a_report("agree", "opposite"),
        a_report("agree", status="failed", failure="silent", percents={}),
        a_report("agree", faults=2, found=1),
    ],
)
def test_an_opposite_answer_a_call_without_score_and_a_fault_not_found_are_failures(bad: Report) -> None:
    assert not demo.show_reports([a_report("agree"), bad])


def test_an_answer_that_is_unsure_is_no_failure() -> None:
    assert demo.show_reports([a_report("agree", "unsure", faults=2, found=2)])


def test_the_history_is_added_once_and_one_option_leaves_it_out(tmp_path: Path) -> None:
    runtime = Runtime(Settings(data_dir=tmp_path))
    assert demo.prepare(runtime) == "900 drawn audits added, marked as sample history"
    assert demo.prepare(runtime) == "there already"
    assert demo.prepare(runtime, with_history=False) == "left out, 900 drawn audits removed"
    assert demo.prepare(runtime, with_history=False) == "left out"
    runtime.db.dispose()


def test_every_role_is_printed_with_whose_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runtime = Runtime(Settings(data_dir=tmp_path))
    demo.prepare(runtime, with_history=False)
    demo.welcome(runtime.settings, demo_data.add_people(runtime))
    said = capsys.readouterr().out
    for role, about in (
        ("manager", "of Kestrel"),
        ("lead", "of Leo's team at Kestrel"),
        ("agent", "Leo at Kestrel"),
    ):
        assert re.search(rf"^  {role} +{role}@demo\.example +\S+ +{about}$", said, re.MULTILINE)
    runtime.db.dispose()


def test_calls_are_staged_when_they_are_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime(Settings(data_dir=tmp_path))
    demo.prepare(runtime, with_history=False)
    call = bundled_calls.load_bundle().expected[0]
    accepted = demo_data.load(runtime, call)
    staged: list[str] = []
    states = iter(["received", "received", "transcribing", "prescored"])

    def progress(ports: object, actor: object, id: str) -> CallProgress:
        status = next(states)
        return CallProgress(id, status, None, 0, None, None, None, status == "prescored")

    monkeypatch.setattr(demo.calls, "progress", progress)
    monkeypatch.setattr(demo.time, "sleep", lambda seconds: None)
    children = Children(tmp_path / "log")
    demo.wait_scored(runtime, {accepted.id: call}, children, scored=staged.append)
    assert staged == [accepted.id]
    monkeypatch.setattr(
        demo.calls,
        "progress",
        lambda p, a, id: CallProgress(id, "prescored", None, 0, None, None, None, True),
    )
    demo.wait_scored(runtime, {accepted.id: call}, children, scored=staged.append)
    assert staged == [accepted.id, accepted.id]
    runtime.db.dispose()


def test_recordings_that_are_only_shown_do_not_decide(capsys: pytest.CaptureFixture[str]) -> None:
    shown = dataclasses.replace(bundled_calls.load_bundle().calls[-1], shown_only=True)
    report = a_report("opposite", call=shown, status="failed", failure="silent", percents={})
    assert demo.show_reports([a_report("agree"), report])
    assert "Only shown: broken-14: silent" in capsys.readouterr().out
