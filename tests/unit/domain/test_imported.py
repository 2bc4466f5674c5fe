"""Transcripts of every format become the same thing; what is not certain stays unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qa_audit.domain import redact
from qa_audit.domain.imported.reading import Imported, check, read
from qa_audit.domain.transcript import EngineInfo, Layout, Segment, Transcript, Word
from qa_audit.errors import Invalid

LEFT: Layout = "stereo-agent-left"

VTT = """\
WEBVTT - a call
Kind: captions
Language: en-GB

NOTE
made by hand --

STYLE
::cue { color: red }

greeting
00:01.000 --> 00:03.500 align:start
<v Agent>Thank you for <i>calling</i> Smith &amp; Sons.</v>

01:00:04.000 --> 01:00:05.000
<v.loud Customer>Hello.
<v Supervisor>Good day.
"""

SRT = """\
1
00:00:01,000 --> 00:00:03,500
{\\an8}<i>Agent: Thank you</i>
for calling.

2
00:00:02,000 --> 00:00:05,000
Hello.
"""


def imported(text: str | object, **known: Any) -> Imported:
    data = text.encode() if isinstance(text, str) else json.dumps(text).encode()
    return read(data, **{"layout": LEFT, "duration": 60.0, **known})


def shown(found: Imported) -> list[tuple[str, float, float, str]]:
    return [(one.speaker, one.start, one.end, one.text) for one in found.transcript.segments]


def refused(text: str | bytes | object) -> str:
    data = (
        text
        if isinstance(text, bytes)
        else text.encode()
        if isinstance(text, str)
        else json.dumps(text).encode()
    )
    with pytest.raises(Invalid) as caught:
        check(data)
    assert set(caught.value.fields) == {"transcript"}
    return caught.value.fields["transcript"]


def whisper(*segments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"text": " words", "segments": list(segments), "language": "en", **more}


def item(start: float, end: float, text: str, **more: Any) -> dict[str, Any]:
    best = {"confidence": "0.9", "content": text}
    times = {"start_time": str(start), "end_time": str(end)}
    return {"type": "pronunciation", "alternatives": [best], **times, **more}


def mark(text: str) -> dict[str, Any]:
    return {"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": text}]}


def turn(who: str, start: int, end: int, text: str, **more: Any) -> dict[str, Any]:
    return {"ParticipantId": who, "BeginOffsetMillis": start, "EndOffsetMillis": end, "Content": text, **more}


def test_webvtt_gives_the_voices_that_are_certain_and_no_word_times() -> None:
    found = imported(VTT, duration=4000.0)
    assert shown(found) == [
        ("agent", 1.0, 3.5, "Thank you for calling Smith & Sons."),
        ("customer", 3604.0, 3605.0, "Hello."),
        ("unknown", 3604.0, 3605.0, "Good day."),
    ]
    assert all(segment.words is None for segment in found.transcript.segments)
    assert (found.transcript.language, found.transcript.engine) == (
        "en",
        EngineInfo(name="imported", model="WebVTT"),
    )
    assert [(note.kind, note.text) for note in found.transcript.notes] == [
        ("imported", "Imported transcript (WebVTT), not made by QA Audit.")
    ]


def test_a_bom_and_the_line_ends_of_other_systems_change_nothing() -> None:
    for end in ("\r\n", "\r"):
        assert shown(imported("\ufeff" + VTT.replace("\n", end), duration=4000.0)) == shown(
            imported(VTT, duration=4000.0)
        )
        assert shown(imported("\ufeff" + SRT.replace("\n", end))) == shown(imported(SRT))


def test_webvtt_may_begin_with_a_cue_at_once_and_name_a_cue_note() -> None:
    found = imported("WEBVTT\n00:01.000 --> 00:02.000\nOne\n\nNOTE x\n00:03.000 --> 00:04.000\nTwo")
    assert [one.text for one in found.transcript.segments] == ["One", "Two"]


def test_subrip_gives_overlapping_cues_in_time_order() -> None:
    found = imported(SRT)
    assert shown(found) == [
        ("agent", 1.0, 3.5, "Thank you for calling."),
        ("unknown", 2.0, 5.0, "Hello."),
    ]
    assert found.transcript.engine.model == "SubRip"


def test_whisper_json_keeps_words_with_their_probabilities() -> None:
    words = [
        {"word": " Thank", "start": 1.0, "end": 1.2, "probability": 0.9},
        {"word": " you.", "start": 1.2, "end": 1.5, "probability": 0.5},
    ]
    known = {"avg_logprob": -0.2, "no_speech_prob": 0.01}
    segment = {"id": 7, "start": 1.0, "end": 1.5, "text": " Thank you.", "words": words, **known}
    (one,) = imported(whisper(segment)).transcript.segments
    assert one == Segment(
        id=0,
        speaker="unknown",
        start=1.0,
        end=1.5,
        text="Thank you.",
        words=(
            Word(start=1.0, end=1.2, text="Thank", probability=0.9),
            Word(start=1.2, end=1.5, text="you.", probability=0.5),
        ),
        **known,
    )


def test_whisper_json_without_word_times_has_no_words() -> None:
    plain = {"start": 0, "end": 2, "text": " Hello"}
    half = {"start": 3, "end": 4, "text": " 24", "words": [{"word": "24"}]}
    found = imported(whisper(plain, half))
    assert [one.words for one in found.transcript.segments] == [None, None]
    assert "It does not say who speaks." in [note.text for note in found.transcript.notes]


@pytest.mark.parametrize(
    ("layout", "speakers"),
    [
        ("stereo-agent-left", ["agent", "customer"]),
        ("stereo-agent-right", ["customer", "agent"]),
        ("stereo-unknown", ["unknown", "unknown"]),
        ("mono", ["unknown", "unknown"]),
        ("dual-mono", ["unknown", "unknown"]),
    ],
)
def test_transcribes_channels_are_the_people_that_the_layout_says(
    layout: Layout, speakers: list[str]
) -> None:
    channels = [
        {"channel_label": "ch_1", "items": [item(2, 2.4, "Hello"), mark("!")]},
        {"channel_label": "ch_0", "items": [item(0.5, 0.9, "Good"), item(0.9, 1.2, "day"), mark(".")]},
    ]
    found = imported({"results": {"channel_labels": {"channels": channels}, "items": []}}, layout=layout)
    assert [one.speaker for one in found.transcript.segments] == speakers
    assert [one.text for one in found.transcript.segments] == ["Good day.", "Hello!"]
    assert found.transcript.segments[0].words == (
        Word(start=0.5, end=0.9, text="Good", probability=0.9),
        Word(start=0.9, end=1.2, text="day.", probability=0.9),
    )


def test_transcribes_voices_part_the_turns_and_are_nobody_in_particular() -> None:
    new = [item(0, 1, "Hi", speaker_label="spk_0"), item(1, 2, "there", speaker_label="spk_1"), mark(".")]
    labels = {
        "segments": [
            {
                "items": [
                    {"start_time": "1", "speaker_label": "spk_1"},
                    {"start_time": "0", "speaker_label": "spk_0"},
                ]
            }
        ]
    }
    old = [item(0, 1, "Hi"), item(1, 2, "there"), mark(".")]
    for results in ({"items": new}, {"items": old, "speaker_labels": labels}):
        found = imported({"jobName": "x", "results": {"language_code": "en-US", **results}})
        assert shown(found) == [("unknown", 0.0, 1.0, "Hi"), ("unknown", 1.0, 2.0, "there.")]
        assert found.transcript.language == "en"


def test_transcribe_begins_a_segment_after_a_pause_and_after_half_a_minute() -> None:
    said = [item(n, n + 0.5, f"w{n}") for n in (0, 1, 3)] + [item(n, n + 0.9, f"v{n}") for n in range(10, 45)]
    lengths = [len(one.words or ()) for one in imported({"results": {"items": said}}).transcript.segments]
    assert lengths == [2, 1, 30, 5]


def test_contact_lens_roles_come_from_turn_or_participants_and_a_doubtful_one_is_unknown() -> None:
    people = [
        {"ParticipantId": "a", "ParticipantRole": "AGENT"},
        {"ParticipantId": "c", "ParticipantRole": "CUSTOMER"},
        {"ParticipantId": "s", "ParticipantRole": "SYSTEM"},
        {"ParticipantId": "x", "ParticipantRole": "AGENT"},
        {"ParticipantId": "x", "ParticipantRole": "CUSTOMER"},
        {"ParticipantRole": "AGENT"},
    ]
    turns = [
        turn(who, n * 1000, n * 1000 + 500, f"turn {who}")
        for n, who in enumerate(("a", "c", "s", "x", "y", "AGENT"))
    ]
    turns.append({**turn("a", 7000, 7500, "own role"), "ParticipantRole": "CUSTOMER"})
    found = imported({"Participants": people, "Transcript": turns, "LanguageCode": "en-US"})
    assert [one.speaker for one in found.transcript.segments] == [
        *("agent", "customer", "unknown", "unknown", "unknown", "agent", "customer")
    ]
    assert found.transcript.segments[1].start == 1.0
    assert found.transcript.engine.model == "Amazon Contact Lens JSON"


def test_words_that_contact_lens_took_out_are_stretches_to_silence() -> None:
    told = {"Redaction": {"RedactedTimestamps": [{"BeginOffsetMillis": 1200, "EndOffsetMillis": 1900}]}}
    words = [
        {
            "Type": "pronunciation",
            "Content": "I'm",
            "BeginOffsetMillis": 5000,
            "EndOffsetMillis": 5200,
            "Confidence": "0.9",
        },
        {"Type": "pronunciation", "Content": "[NAME]", "BeginOffsetMillis": 5200, "EndOffsetMillis": 5600},
        {"Type": "punctuation", "Content": "."},
    ]
    turns = [
        turn("CUSTOMER", 1000, 2000, "It is [PII].", **told),
        turn("CUSTOMER", 3000, 4000, "And [PII]."),
        turn("CUSTOMER", 5000, 6000, "I'm [NAME].", Items=words),
        turn("AGENT", 7000, 8000, "Thank you."),
    ]
    found = imported({"Transcript": turns})
    assert found.hidden == ((1.2, 1.9), (3.0, 4.0), (5.2, 5.6))
    assert found.transcript.segments[0].text == "It is [PII]."
    assert [word.text for word in found.transcript.segments[2].words or ()] == ["I'm", "[NAME]."]
    assert any("taken out" in note.text for note in found.transcript.notes)


def test_where_contact_lens_left_the_words_our_own_masking_decides() -> None:
    told = {"Redaction": {"RedactedTimestamps": [{"BeginOffsetMillis": 1200, "EndOffsetMillis": 1900}]}}
    found = imported({"Transcript": [turn("CUSTOMER", 1000, 2000, "I am Peter.", **told)]})
    assert found.hidden == ()
    assert not any("taken out" in note.text for note in found.transcript.notes)


def test_a_word_that_transcribe_took_out_is_a_stretch_to_silence() -> None:
    gone = item(1, 1.5, "")
    gone["alternatives"] = [{"content": "[PII]", "redactions": [{"confidence": "0.9"}]}]
    found = imported({"results": {"items": [item(0, 1, "It's"), gone, mark("."), item(2, 3, "Thanks")]}})
    assert found.hidden == ((1.0, 1.5),)
    assert found.transcript.segments[0].words == (
        Word(start=0, end=1, text="It's", probability=0.9),
        Word(start=1, end=1.5, text="[PII]."),
        Word(start=2, end=3, text="Thanks", probability=0.9),
    )


def test_our_own_json_comes_back_as_it_was() -> None:
    words = (
        Word(start=0.42, end=0.71, text="Thank", probability=0.98),
        Word(start=0.71, end=0.9, text="you."),
    )
    segments = (
        Segment(id=0, speaker="agent", start=0.42, end=0.9, text="Thank you.", words=words, avg_logprob=-0.2),
        Segment(id=1, speaker="unknown", start=1.0, end=2.0, text="Hello"),
    )
    made = Transcript(
        language="de", duration=99, layout="mono", engine=EngineInfo(name="e", model="m"), segments=segments
    )
    found = imported(made.to_json()).transcript
    assert found.segments == segments
    assert (found.language, found.duration, found.layout) == ("de", 60.0, LEFT)
    assert found.engine == EngineInfo(name="imported", model="QA Audit JSON")


def test_what_we_masked_ourselves_is_silenced_on_the_way_back() -> None:
    text = "my number is four one one one one one one one one thanks"
    words = tuple(Word(start=n, end=n + 0.5, text=word) for n, word in enumerate(text.split()))
    segment = Segment(id=0, speaker="customer", start=0, end=12, text=text, words=words)
    made = Transcript(duration=60, layout=LEFT, engine=EngineInfo(name="e", model="m"), segments=(segment,))
    masked = redact.mask(made, redact.find_spans(made))
    hidden = imported(masked.to_json()).hidden
    assert (hidden[0][0], hidden[-1][1]) == (3.0, 11.5)


def test_a_file_without_a_language_has_the_calls_and_else_english() -> None:
    assert imported(SRT, language="de-AT").transcript.language == "de"
    assert imported(SRT).transcript.language == "en"
    assert (
        imported(
            whisper({"start": 0, "end": 1, "text": "Hej"}, language="<b>"), language="da"
        ).transcript.language
        == "da"
    )


def test_what_begins_after_the_end_is_left_out_with_a_note_and_ends_are_brought_back() -> None:
    said = [{"start": n, "end": n + 1.5, "text": f"word{n}"} for n in (1, 2, 9, 10, 11)]
    found = imported(whisper(*said), duration=10.0)
    assert [(one.start, one.end) for one in found.transcript.segments] == [(1, 2.5), (2, 3.5), (9, 10)]
    note = found.transcript.notes[-1]
    assert (note.text, note.start) == (
        "2 of its 5 parts begin after the end of the recording and were left out.",
        10.0,
    )


def test_words_after_the_end_are_left_out_of_their_segment() -> None:
    words = [{"word": f" w{n}", "start": n, "end": n + 0.8} for n in range(4)]
    found = imported(whisper({"start": 0, "end": 4, "text": " w0 w1 w2 w3", "words": words}), duration=2.5)
    (one,) = found.transcript.segments
    assert (one.text, one.end, [word.end for word in one.words or ()]) == ("w0 w1 w2", 2.5, [0.8, 1.8, 2.5])


def test_a_transcript_of_another_recording_is_refused() -> None:
    said = [{"start": n, "end": n + 1, "text": "word"} for n in range(10)]
    with pytest.raises(Invalid, match="another recording"):
        imported(whisper(*said), duration=3.5)


BAD = [
    ("", "none of the formats"),
    ("Dear Sir,\n\nplease --> there", "none of the formats"),
    ("WEBVTTX\n\n00:01.000 --> 00:02.000\nHi", "none of the formats"),
    ("WEBVTT\n", "no words"),
    ("WEBVTT\n\n00:01.000 --> 00:02.000\n<i></i>", "no words"),
    ("WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n\nlost text", "line 6"),
    ("WEBVTT\n\n00:03.000 --> 00:02.000\nHi", "line 3: the end is before the start"),
    ("WEBVTT\n\n-00:03.000 --> 00:02.000\nHi", "line 3: a time is not written"),
    ("WEBVTT\n\n00:61.000 --> 01:62.000\nHi", "59"),
    ("WEBVTT\n\n99:00:00.000 --> 99:00:01.000\nHi", "24 hours"),
    ("WEBVTT\n\n00:01.000 -->\nHi", "line 3"),
    ("WEBVTT\n\n00:01.000 --> 00:02.000\n" + "x" * 10_001, "longer than 10,000"),
    ("1\n00:00:01,000 --> 00:00:02,000\nHi\n\n2\nno times", "line 5"),
    ("{", "line 1"),
    ("[]", "none of the formats"),
    ("{}", "none of the formats"),
    ('{"segments": [', "cut off"),
    ('{"segments": [{"start": NaN, "end": 1, "text": "x"}]}', "number"),
    ('{"segments": [{"start": 1e999, "end": 1e999, "text": "x"}]}', "segments[0]: a time is no number"),
    ('{"segments": [{"start": ' + "1" * 5000 + ', "end": 1, "text": "x"}]}', "number"),
    ("[" * 100_000, "nested"),
    ('{"a":' * 100_000, "nested"),
    (whisper({"start": "nan", "end": 2, "text": "x"}), "segments[0]"),
    (whisper({"start": -1, "end": 2, "text": "x"}), "segments[0]: a time is negative"),
    (whisper({"start": 1, "end": 0.5, "text": "x"}), "segments[0]: the end is before the start"),
    (whisper({"start": True, "end": 2, "text": "x"}), "segments[0].start: must be a number"),
    (whisper({"end": 2, "text": "x"}), "segments[0].start: is missing"),
    (whisper({"start": 1, "end": 2}), "segments[0].text: is missing"),
    (whisper({"start": 1, "end": 2, "text": 5}), "segments[0].text: must be a text"),
    (whisper({"start": 1, "end": 2, "text": "x", "words": {}}), "segments[0].words: must be a list"),
    (
        whisper({"start": 1, "end": 2, "text": "x", "words": [{"word": "x", "start": 1, "end": 2, "probability": 7}]}),
        "segments[0].words[0].probability",
    ),
    (whisper(), "no words"),
    ({"schema": "qa-audit/transcript@2", "segments": []}, "schema: only qa-audit/transcript@1"),
    (
        {"schema": "qa-audit/transcript@1", "segments": [{"start": 1, "end": 2, "text": "x", "speaker": "boss"}]},
        "segments[0].speaker",
    ),
    ({"results": {"items": [{"type": "pronunciation", "alternatives": [{"content": "x"}]}]}}, "items[0].start_time"),
    ({"results": {"items": [5]}}, "results.items[0]: must be an object"),
    ({"results": {"channel_labels": []}}, "results.channel_labels: must be an object"),
    ({"Transcript": [{"Content": "x"}]}, "Transcript[0].BeginOffsetMillis: is missing"),
    ({"Transcript": [5]}, "Transcript[0]: must be an object"),
    ("WEBVTT".encode("utf-16"), "UTF-8"),
    (b"\xff\xfe\x00", "byte 0"),
    (b" " * 20_000_001, "20 MB"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_used_is_refused_with_its_place_and_reason(text: Any, words: str) -> None:
    assert words in refused(text)


def test_an_error_quotes_nothing_of_the_file() -> None:
    words = refused('{"segments": [{"start": "4111 1111 1111 1111", "end": 1, "text": "Anna"}]}')
    assert "4111" not in words
    assert "Anna" not in words


def test_control_signs_and_broken_characters_do_not_get_in() -> None:
    (one,) = imported(
        '{"segments": [{"start": 0, "end": 1, "text": " a\\u0000b\\ud800c\\u202ed "}]}'
    ).transcript.segments
    assert one.text == "a b c d"


def test_a_sign_that_looks_like_markup_is_text() -> None:
    (one,) = imported("WEBVTT\n\n00:00.000 --> 00:01.000\n1 &lt; 2 &#x3C; &bogus;").transcript.segments
    assert one.text == "1 < 2 &#x3C; &bogus;"
