"""The scripted transcriber keeps the protocol and does as it is told."""

from __future__ import annotations

import numpy as np
import pytest

from qa_audit.errors import Stopped, Temporary
from qa_audit.speech.protocol import SpeechChannel, Transcriber
from qa_audit.speech.scripted import ScriptedTranscriber, fingerprint, segment


def channels(value: float = 0.0) -> list[SpeechChannel]:
    return [SpeechChannel("agent", np.full(1600, value, np.float32), [(0.0, 0.1)])]


def test_segments_come_in_time_order_by_recording_or_by_default() -> None:
    late, early = segment("agent", 5.0, "Good bye."), segment("customer", 1.0, "Hello there.")
    twin: Transcriber = ScriptedTranscriber([late, early], {fingerprint(channels(0.5)): [late]})
    heard = twin.transcribe(channels())
    assert [(s.id, s.text) for s in heard.segments] == [(0, "Hello there."), (1, "Good bye.")]
    assert [s.text for s in twin.transcribe(channels(0.5)).segments] == ["Good bye."]


def test_errors_come_once_each_and_checks_are_heeded() -> None:
    twin = ScriptedTranscriber([segment("agent", 0.0, "Hello.")], errors=[Temporary("not now")])
    with pytest.raises(Temporary):
        twin.transcribe(channels())
    assert twin.transcribe(channels()).segments

    def check() -> None:
        raise Stopped

    with pytest.raises(Stopped):
        twin.transcribe(channels(), check=check)
    assert len(twin.calls) == 3
