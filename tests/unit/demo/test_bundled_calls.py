"""The bundled calls are what their manifest says, and their manifest is what the scripts say."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tools.demo_scripts import read_scripts
from tools.make_demo_calls import expected, fault_entry
from tools.speech_channel import decode

DEMO = Path(__file__).resolve().parents[3] / "qa_audit" / "demo"
MANIFEST: dict[str, Any] = json.loads((DEMO / "manifest.json").read_text(encoding="utf8"))
CALLS: list[dict[str, Any]] = MANIFEST["calls"]
RATE = 16_000


def decibels(sound: np.ndarray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(sound.astype(np.float64) ** 2)) + 1e-9))


def test_there_are_twelve_calls_of_three_vendors_and_two_extras() -> None:
    assert [call["id"] for call in CALLS] == [f"call-{n:02d}" for n in range(1, 13)]
    by_vendor = {
        slug: [c for c in CALLS if c["vendor"] == slug] for slug in ("brightline", "sollent", "kestrel")
    }
    assert [len(found) for found in by_vendor.values()] == [4, 4, 4]
    marks = {slug: sum(c["custom"]["csat"] for c in found) / 4 for slug, found in by_vendor.items()}
    assert marks == {"brightline": 4.5, "sollent": 3.5, "kestrel": 4.5}
    assert [extra["id"] for extra in MANIFEST["extras"]] == ["mono-13", "broken-14"]


def test_files_are_the_recorded_ones_and_small_together() -> None:
    total = 0
    for entry in [*CALLS, *MANIFEST["extras"]]:
        data = (DEMO / entry["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == entry["sha256"], entry["id"]
        total += len(data)
    assert total <= 3_000_000
    assert len({entry["external_id"] for entry in [*CALLS, *MANIFEST["extras"]]}) == 14


@pytest.mark.parametrize("call", CALLS, ids=lambda call: str(call["id"]))
def test_the_sound_is_where_the_manifest_says_and_the_other_channel_is_silent(call: dict[str, Any]) -> None:
    sound = decode(str(DEMO / call["file"]))
    assert sound.shape[0] == 2
    assert sound.shape[1] / RATE == pytest.approx(call["duration"], abs=0.05)
    for place, turn in enumerate(call["turns"]):
        side = 0 if turn["speaker"] == "agent" else 1
        part = slice(int(turn["start"] * RATE), int(turn["end"] * RATE))
        assert decibels(sound[side, part]) > -32
        others = [t for t in call["turns"] if t["speaker"] != turn["speaker"]]
        if all(t["end"] + 0.1 < turn["start"] or t["start"] - 0.1 > turn["end"] for t in others):
            assert decibels(sound[1 - side, part]) < -50, (call["id"], place)


@pytest.mark.parametrize("script", read_scripts(), ids=lambda script: f"{script.number:02d}")
def test_the_manifest_follows_the_script(script: Any) -> None:
    call = CALLS[script.number - 1]
    assert [(t["speaker"], t["text"]) for t in call["turns"]] == [
        (line.speaker, line.text) for line in script.lines
    ]
    assert call["agent"] == script.agent
    assert call["started_at"].startswith(script.started.strftime("%Y-%m-%dT%H:%M"))
    for line, before, turn in zip(script.lines[1:], call["turns"], call["turns"][1:], strict=False):
        gap = turn["start"] - before["end"]
        if line.silence:
            assert gap == pytest.approx(line.silence, abs=0.01)
        elif line.over:
            assert -2.2 <= gap <= -1.45
            assert turn["start"] - before["start"] >= 1.0
        else:
            assert 0.3 <= gap <= 1.0
    for turn in call["turns"]:
        assert " ".join(word for word, _, _ in turn["words"]) == turn["text"]
        assert all(turn["start"] - 0.01 <= a <= b <= turn["end"] + 0.01 for _, a, b in turn["words"])


def test_faults_lie_within_their_calls_and_every_no_has_one() -> None:
    for call in CALLS:
        assert all(0 <= fault["start"] < fault["end"] <= call["duration"] for fault in call["faults"])
        no = {criterion for criterion, answer in call["expected"]["answers"].items() if answer == "no"}
        assert {fault["criterion"] for fault in call["faults"]} == no
        assert set(call["expected"]["fatal"]) | set(call["expected"]["critical"]) <= no
    promise = CALLS[9]["faults"][0]
    assert promise["text"] == "I promise you will have the money tomorrow"
    assert 2.0 < promise["end"] - promise["start"] < 5.0
    silence = CALLS[8]["faults"][0]
    assert silence["end"] - silence["start"] == pytest.approx(22.0, abs=0.01)


def test_the_expected_scores_follow_from_the_expected_answers() -> None:
    points = {
        "B": dict(zip(range(1, 11), (12, 6, 6, 16, 10, 8, 12, 10, 12, 8), strict=True)),
        "S": dict(zip(range(1, 11), (16, 6, 10, 8, 10, 6, 14, 10, 10, 10), strict=True)),
    }
    for call in CALLS:
        for letter, shown in (("B", "brand_percent"), ("S", "service_percent_without_fatal")):
            decided = {
                int(name[1:]): answer == "yes"
                for name, answer in call["expected"]["answers"].items()
                if name[0] == letter and answer in ("yes", "no")
            }
            gained = sum(points[letter][n] for n, yes in decided.items() if yes)
            possible = sum(points[letter][n] for n in decided)
            fatal = call["expected"]["fatal"]
            if letter == "S" and fatal:
                dropped = [int(name[1:]) for name in fatal]
                shown_value = call["expected"]["service_percent_without_fatal"]
                assert round(100 * gained / possible, 1) <= shown_value or dropped
                continue
            assert round(100 * gained / possible, 1) == call["expected"][shown], (call["id"], letter)


def test_the_damaged_recording_fails_by_name() -> None:
    broken = MANIFEST["extras"][1]
    assert broken["expect"] == {"status": "failed", "failure": "silent"}
    sound = decode(str(DEMO / broken["file"]))
    assert decibels(sound) < -60


def test_helpers_refuse_words_that_are_not_said() -> None:
    from tools.demo_facts import Facts, Fault
    from tools.make_demo_calls import Turn

    turn = Turn("agent", "Hello there.", 0.0, 1.0, [("Hello", 0.0, 0.4), ("there.", 0.5, 1.0)])
    assert fault_entry(Fault("B1", "words", 0, "there"), [turn])["start"] == 0.5
    with pytest.raises(ValueError, match="not said"):
        fault_entry(Fault("B1", "words", 0, "goodbye"), [turn])
    assert expected(Facts("customer-a", no=("B1",)))["answers"]["B1"] == "no"
