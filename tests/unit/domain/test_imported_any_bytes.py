"""Whatever comes in as a transcript gives one, or a refusal: nothing else, and soon."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa_audit.domain import redact
from qa_audit.domain.imported.reading import read
from qa_audit.domain.transcript import Layout, Transcript
from qa_audit.errors import Invalid

SECONDS = 2.0
"""A refusal takes tenths of a second; the rest is for machines that do other things beside."""

NAMES = (
    *("segments", "start", "end", "text", "words", "word", "probability", "schema", "speaker", "language"),
    *("results", "items", "channel_labels", "channels", "channel_label", "alternatives", "content", "type"),
    *("start_time", "end_time", "confidence", "speaker_labels", "speaker_label", "Transcript", "Participants"),
    *("ParticipantId", "ParticipantRole", "Content", "Items", "BeginOffsetMillis", "EndOffsetMillis", "Redaction"),
    "RedactedTimestamps",
)  # fmt: skip
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from(["1.5", "", "AGENT", "ch_0", "agent", "punctuation", "[PII]", "qa-audit/transcript@1"])
    | st.text(max_size=8)
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(NAMES), below, max_size=6),
    max_leaves=40,
)
TIMES = st.sampled_from(["00:01.000", "00:00:02,000", "-1", "00:03.5", "9:99", "", "00:01.000 --> 00:02.000"])
LINES = (
    TIMES
    | st.sampled_from(
        ["1", "NOTE", "STYLE", "WEBVTT", "-->", "<v Agent>Hi", "</v>", "<v", "&amp;", "{\\an8}"]
    )
    | st.text(max_size=12)
)
CUES = st.lists(st.tuples(TIMES, TIMES, LINES), max_size=5).map(
    lambda cues: "\n\n".join(f"{start} --> {end}\n{text}" for start, end, text in cues)
)


def gives_a_transcript_or_a_refusal(data: bytes, layout: Layout = "stereo-agent-left") -> None:
    try:
        found = read(data, layout=layout, duration=30.0)
    except Invalid:
        return
    again = Transcript.model_validate(json.loads(json.dumps(found.transcript.to_json())))
    assert again == found.transcript
    starts = [segment.start for segment in again.segments]
    assert starts == sorted(starts)
    assert all(0 <= one.start <= one.end <= 30 for one in again.segments)
    assert all(0 <= start <= end <= 30 for start, end in found.hidden)
    redact.mask(again, redact.find_spans(again))


@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    gives_a_transcript_or_a_refusal(data)


@settings(max_examples=400)
@given(DOCUMENTS, st.sampled_from([None, "segments", "Transcript", "results", "schema"]))
def test_any_json(document: Any, below: str | None) -> None:
    if below == "schema":
        document = {"schema": "qa-audit/transcript@1", "segments": document}
    elif below:
        document = {below: document}
    gives_a_transcript_or_a_refusal(json.dumps(document).encode())


@settings(max_examples=300)
@given(
    st.sampled_from(["WEBVTT\n\n", "WEBVTT", "", "1\n"]), CUES | st.lists(LINES, max_size=12).map("\n".join)
)
def test_any_subtitles(begin: str, rest: str) -> None:
    gives_a_transcript_or_a_refusal((begin + rest).encode("utf-8", "surrogatepass"), "mono")


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "start": st.floats(0, 20),
                "length": st.floats(0, 9),
                "text": st.text("ab •", min_size=1, max_size=9),
            }
        ),
        min_size=1,
        max_size=8,
    )
)
def test_segments_with_good_times_are_taken(segments: list[dict[str, Any]]) -> None:
    document = {"segments": [{**one, "end": one["start"] + one["length"]} for one in segments]}
    said = [one for one in segments if one["text"].strip()]
    if said:
        found = read(json.dumps(document).encode(), layout="mono", duration=30.0)
        assert len(found.transcript.segments) == len(said)


MEGABYTES = 19_000_000
WORD = '{"word":"x","start":1,"end":2},'
HOSTILE = {
    "empty lists": b"[" + b"[]," * (MEGABYTES // 3) + b"[]]",
    "numbers": b"[" + b"1," * (MEGABYTES // 2) + b"1]",
    "deep": b"[" * MEGABYTES,
    "deep objects": b'{"a":' * (MEGABYTES // 5),
    "empty lines": b"WEBVTT" + b"\n" * MEGABYTES,
    "many cues": b"WEBVTT\n\n" + b"00:01.000 --> 00:02.000\nx\n\n" * (MEGABYTES // 27),
    "open tags": b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"<v " * (MEGABYTES // 3),
    "one long line": b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"x" * MEGABYTES,
    "spaces": b" " * MEGABYTES,
    "number and spaces": b"1" + b" " * MEGABYTES,
    "colons": b"1\n" + b":" * MEGABYTES + b"-->",
    "words": b'{"segments":[{"start":1,"end":2,"text":"x","words":[' + WORD.encode() * 400_000 + b"]}]}",
    "text": b'{"segments":[{"start":1,"end":2,"text":"' + b"x " * (MEGABYTES // 2) + b'"}]}',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_soon(name: str) -> None:
    begun = time.process_time()
    with pytest.raises(Invalid):
        read(HOSTILE[name], layout="mono", duration=30.0)
    assert time.process_time() - begun < SECONDS
