"""`qa-audit doctor`: what is there, what is missing, what was chosen, how fast it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from qa_audit.config import Settings
from qa_audit.errors import Waiting
from qa_audit.runtime import Runtime
from qa_audit.services import doctor
from qa_audit.speech.scripted import ScriptedTranscriber
from tests.cli.serving import run
from tests.fakes import HELLO


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


def checks(result: Result) -> dict[str, dict[str, str]]:
    found = json.loads(result.stdout)
    assert found["ok"] == (result.exit_code == 0)
    return {check["part"]: check for check in found["checks"]}


def examine(runtime: Runtime, *arguments: str, **variables: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = run(runtime, "doctor", "--json", *arguments, **{"QA_AUDIT_WHISPER_MODEL": "demo", **variables})
    assert result.stderr == ""
    return result.exit_code, checks(result)


def test_a_sound_installation_is_told_part_by_part(runtime: Runtime) -> None:
    code, found = examine(runtime, "--no-speed")
    assert code == 0
    assert {part: check["state"] for part, check in found.items()} == {
        "settings": "ok",
        "database": "ok",
        "redis": "note",
        "media": "ok",
        "speech detector": "ok",
        "speech engine": "ok",
        "speech model": "ok",
    }
    assert "SQLite answers" in found["database"]["words"]
    assert "GB free" in found["media"]["words"]
    assert found["speech model"]["words"].startswith("demo (")
    assert list((runtime.settings.data_dir / "media" / "incoming").glob("*")) == []


def test_what_was_chosen_and_the_speed_are_measured_with_the_model_in_use(runtime: Runtime) -> None:
    result = run(runtime, "doctor", QA_AUDIT_WHISPER_MODEL="demo", QA_AUDIT_SPEECH_THREADS="1")
    assert result.exit_code == 0
    lines = {line[7:22].strip(): line for line in result.stdout.splitlines()}
    assert "cpu" in lines["chosen"]
    assert "1 thread" in lines["chosen"]
    assert "windows at once" in lines["chosen"]
    assert "seconds of speech per second" in lines["speed"]
    assert all(line.startswith(("ok ", "note ")) for line in result.stdout.splitlines())


def test_the_speed_is_that_of_warm_ears(runtime: Runtime) -> None:
    ears = runtime.speech = ScriptedTranscriber(HELLO, seconds=0.2)  # type: ignore[misc]
    found = doctor.measure_speed(runtime)
    assert len(ears.calls) == 2
    assert 0.2 <= found.took < 0.39
    assert 20 <= found.seconds <= doctor.SPEED_SECONDS
    assert found.factor == pytest.approx(found.seconds / found.took)


def test_a_model_that_would_have_to_be_fetched_is_not(runtime: Runtime) -> None:
    code, found = examine(runtime, QA_AUDIT_WHISPER_MODEL="tiny.en")
    assert code == 0
    assert found["speech model"]["state"] == "note"
    assert "fetched when the first call needs it" in found["speech model"]["words"]
    assert "not measured" in found["speed"]["words"]
    assert not (runtime.settings.data_dir / "models").exists()


@pytest.mark.parametrize(
    ("variables", "part", "words"),
    [
        ({"QA_AUDIT_DATABASE_URL": "sqlite:///{folder}/new.sqlite3"}, "database", "qa-audit db upgrade"),
        ({"QA_AUDIT_REDIS_URL": "redis://127.0.0.1:1"}, "redis", "does not answer"),
        ({"QA_AUDIT_RESERVE_BYTES": str(1 << 60)}, "media", "disk"),
        ({"QA_AUDIT_WHISPER_MODEL": "{folder}/none.pt"}, "speech model", "There is no speech model"),
        ({"QA_AUDIT_WHISPER_MODEL": "{folder}/broken.pt"}, "chosen", "cannot be loaded"),
    ],
)
def test_what_is_wrong_is_said_and_the_rest_is_checked_all_the_same(
    runtime: Runtime, tmp_path: Path, variables: dict[str, str], part: str, words: str
) -> None:
    (tmp_path / "broken.pt").write_bytes(b"no checkpoint")
    given = {name: value.format(folder=tmp_path) for name, value in variables.items()}
    code, found = examine(runtime, *([] if part == "chosen" else ["--no-speed"]), **given)
    assert code == 1
    assert found[part]["state"] == "wrong"
    assert words in found[part]["words"]
    assert [name for name, check in found.items() if check["state"] == "wrong"] == [part]
    assert {"settings", "database", "redis", "media", "speech detector", "speech engine"} <= set(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QA_AUDIT_SPEECH_BEAM", "many"),
        ("QA_AUDIT_SPEECH_BATCH", "-1"),
        ("QA_AUDIT_SPEECH_PRECISION", "float64"),
        ("QA_AUDIT_SPEECH_DEVICE", "gpu"),
        ("QA_AUDIT_SPEECH_THREADS", "-1"),
        ("QA_AUDIT_LANGUAGE", "German"),
        ("QA_AUDIT_LANGUAGE", "de_DE"),
    ],
)
def test_a_setting_that_cannot_be_used_is_the_only_thing_told(
    runtime: Runtime, name: str, value: str
) -> None:
    code, found = examine(runtime, **{name: value})
    assert code == 1
    assert list(found) == ["settings"]
    assert name in found["settings"]["words"]


def test_missing_packages_are_named(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: Any) -> None:
        return None

    def away() -> Path:
        raise Waiting("The speech detector's model is missing.")

    monkeypatch.setattr(doctor, "find_spec", gone)
    monkeypatch.setattr(doctor.vad, "model_path", away)
    code, found = examine(runtime)
    assert code == 1
    assert found["speech detector"] == {
        "part": "speech detector",
        "state": "wrong",
        "words": "The speech detector's model is missing.",
    }
    assert "lacks whisper, torch" in found["speech engine"]["words"]
    assert "speed" not in found


def test_the_speech_settings_reach_the_engine(settings: Settings) -> None:
    chosen = {"speech_beam": 5, "speech_batch": 3, "speech_precision": "float32", "speech_threads": 1}
    runtime = Runtime(settings.model_copy(update={**chosen, "whisper_model": "demo"}))
    recogniser = runtime.speech.recogniser  # type: ignore[attr-defined]
    assert "float32" in recogniser.about
    assert recogniser.batch == 3
