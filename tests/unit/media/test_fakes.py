"""The scripted twin keeps the protocol of the real one."""

from __future__ import annotations

import inspect
import json

import pytest

from qa_audit.errors import Permanent
from qa_audit.media.fakes import MEASUREMENT, PROBE, ScriptedRecordings
from qa_audit.media.protocol import Recordings
from qa_audit.media.recordings import AvRecordings

METHODS = [name for name in vars(Recordings) if not name.startswith("_")] + ["derive"]


@pytest.mark.parametrize("name", METHODS)
def test_both_have_the_same_methods_with_the_same_arguments(name):
    real, twin = (inspect.signature(getattr(kind, name)) for kind in (AvRecordings, ScriptedRecordings))

    assert [str(value) for value in real.parameters] == [str(value) for value in twin.parameters]


def test_the_script_is_followed(tmp_path):
    twin = ScriptedRecordings()
    path = tmp_path / "call"

    assert twin.probe(path, "call.wav") is PROBE
    assert twin.measure(path) is MEASUREMENT
    assert [channel.shape for channel in twin.samples(path).channels] == [(960_000,)] * 2
    twin.playback(path, tmp_path / "a.m4a", silence=[(1.0, 2.0)])
    twin.peaks(path, tmp_path / "a.json")

    assert (tmp_path / "a.m4a").read_bytes()[4:8] == b"ftyp"
    assert len(json.loads((tmp_path / "a.json").read_text())["channels"]) == 2
    assert twin.silences == [((1.0, 2.0),), ()]
    assert [name for name, _ in twin.done] == ["probe", "measure", "samples", "derive", "derive"]


def test_a_scripted_error_is_raised(tmp_path):
    twin = ScriptedRecordings(measurement=Permanent("silent", "Nobody speaks."))

    with pytest.raises(Permanent, match="Nobody"):
        twin.measure(tmp_path)
