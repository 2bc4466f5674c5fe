"""What the whisper package itself writes is read back: its JSON, WebVTT and SubRip."""

from __future__ import annotations

import io
from typing import Any

import pytest

from qa_audit.domain.imported.reading import read

SEGMENTS = [
    {"id": 0, "seek": 0, "start": 0.0, "end": 2.5, "text": " Thank you for calling.", "tokens": [1, 2]},
    {"id": 1, "seek": 0, "start": 3661.0, "end": 3663.25, "text": " Good --> bye.", "tokens": [3]},
]
KNOWN = {"temperature": 0.0, "avg_logprob": -0.3, "compression_ratio": 1.1, "no_speech_prob": 0.02}
WORDS = [{"word": " Thank", "start": 0.0, "end": 0.4, "probability": 0.99}]


@pytest.mark.parametrize(
    ("writer", "name", "text"),
    [
        ("WriteJSON", "Whisper JSON", "Good --> bye."),
        ("WriteVTT", "WebVTT", "Good -> bye."),
        ("WriteSRT", "SubRip", "Good -> bye."),
    ],
)
@pytest.mark.parametrize("words", [None, WORDS])
def test_every_output_of_the_package_is_known_by_its_content(
    writer: str, name: str, text: str, words: list[dict[str, Any]] | None
) -> None:
    from whisper import utils

    segments = [{**segment, **KNOWN} for segment in SEGMENTS]
    if words and writer == "WriteJSON":
        segments[0]["words"] = words
    out = io.StringIO()
    result = {"text": "".join(str(one["text"]) for one in segments), "segments": segments, "language": "en"}
    getattr(utils, writer)(".").write_result(result, out, {})
    found = read(out.getvalue().encode(), layout="mono", duration=4000.0).transcript
    assert found.engine.model == name
    assert [(one.start, one.end, one.text) for one in found.segments] == [
        (0.0, 2.5, "Thank you for calling."),
        (3661.0, 3663.25, text),
    ]
    assert bool(found.segments[0].words) is bool(words and writer == "WriteJSON")
