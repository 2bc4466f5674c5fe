"""No call, however odd, breaks the checks; quotes stay verbatim and answers are the scale's."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qa_audit.domain.call import Call, CallFacts
from qa_audit.domain.prescore import facts_of, prescore
from qa_audit.domain.redact import find_spans, mask
from qa_audit.domain.transcript import EngineInfo, Segment, Transcript, Word
from tests.rubrics.calls import rubrics, scripts

VOCABULARY = sorted({word for script in scripts() for line in script["lines"] for word in line[3:].split()})
ODD = [
    "",
    " ",
    "-",
    "...",
    "•••",
    "5-10",
    "$1,200.50",
    "\u00e9t\u00e9",
    "4111111111111111",
    "?",
    "12/05/1987",
    "don't",
    "\ud83d\ude00",
]


@st.composite
def odd_calls(draw: st.DrawFn) -> Call:
    """Make a call of random words at random times, some impossible, by known or unknown speakers."""
    segments = []
    for number in range(draw(st.integers(0, 8))):
        start = draw(st.floats(0, 60))
        words = []
        for text in draw(st.lists(st.sampled_from([*VOCABULARY, *ODD]), max_size=14)):
            start += draw(st.floats(0, 1.5))
            end = start + draw(st.sampled_from([-0.1, 0.0, 0.02, 0.3, 0.9]))
            chance = draw(st.sampled_from([None, 0.0, 0.5, 0.95]))
            words.append(Word(start=start, end=max(0.0, end), text=text, probability=chance))
        kept = draw(st.sampled_from([tuple(words), None]))
        segments.append(
            Segment(
                id=number,
                speaker=draw(st.sampled_from(["agent", "customer", "customer", "agent", "unknown"])),
                start=min((w.start for w in words), default=start),
                end=max((w.end for w in words), default=start),
                text=" ".join(word.text for word in words),
                words=kept,
            )
        )
    transcript = Transcript(
        duration=draw(st.sampled_from([0.0, 70.0])),
        layout=draw(st.sampled_from(["stereo-agent-left", "mono", "stereo-unknown"])),
        engine=EngineInfo(name="odd", model="odd"),
        segments=tuple(segments),
    )
    if draw(st.booleans()):
        return Call(transcript, facts_of(transcript))
    return Call(transcript, CallFacts(duration=transcript.duration, warnings=("truncated",)))


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(odd_calls())
def test_any_call_gets_a_prescore(call: Call) -> None:
    masked = mask(call.transcript, find_spans(call.transcript))
    texts = {segment.id: segment.text for segment in masked.segments}
    for rubric in rubrics().values():
        score = prescore(rubric, call, masked)
        assert [line.id for line in score.criteria] == [criterion.id for criterion in rubric.criteria]
        for line in score.criteria:
            answers = rubric.criterion(line.id).answers
            assert line.answer is None or line.answer in answers
            assert (line.points is not None) == (line.status == "decided")
            for item in line.evidence:
                assert item.quote is None or item.quote in texts[item.segment or 0]
                assert item.start <= item.end + 0.2
