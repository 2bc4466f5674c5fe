"""Reading a transcript that comes without its recording: what its file says of layout and length is believed."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from qa_audit.domain.imported import own, reading
from qa_audit.domain.imported.cues import MOST_SECONDS, Source, clean, unusable
from qa_audit.domain.imported.json_values import Value, parse
from qa_audit.domain.transcript import Layout, Transcript


def read(data: bytes) -> Transcript:
    """Read a transcript file of any of the known formats; in our own, segments keep their ids.

    Raises Invalid that names the place and what is wrong there, and quotes nothing.
    """
    source = reading.check(data)
    if source.format == own.NAME:
        return read_own(parse(data.decode("utf-8-sig")))
    layout: Layout = "stereo-agent-left" if _tells_speakers(source) else "mono"
    return reading.read(data, layout=layout, duration=_end(source)).transcript


def read_own(top: Value) -> Transcript:
    """Read a document in our own format; raises Invalid."""
    source = own.parse(top)
    if not any(cue.text for cue in source.cues):
        raise unusable("segments", "there are no words")
    raw: dict[str, Any] = {
        "layout": "stereo-agent-left" if _tells_speakers(source) else "mono",
        "engine": {"name": "unknown", "model": "unknown"},
        **top.raw,
        "duration": max(_end(source), top.get("duration").maybe_number(0, MOST_SECONDS) or 0.0),
    }
    raw["segments"] = [_segment(number, segment) for number, segment in enumerate(raw["segments"])]
    try:
        found = Transcript.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        raise unusable(
            ".".join(map(str, first["loc"])), first["msg"][:1].lower() + first["msg"][1:]
        ) from error
    ids = [segment.id for segment in found.segments]
    if len(set(ids)) != len(ids):
        raise unusable("segments", "two segments have the same id")
    spoken = sorted((s for s in found.segments if s.text.strip()), key=lambda s: (s.start, s.end))
    return found.model_copy(update={"segments": tuple(spoken)})


def _segment(number: int, segment: dict[str, Any]) -> dict[str, Any]:
    words = segment.get("words") or []
    return {
        "id": number,
        **segment,
        "text": _shown(segment["text"]),
        "words": [{**word, "text": _shown(word["text"])} for word in words if word["text"].strip()] or None,
    }


def _shown(text: str) -> str:
    """Return a text as it is, so that quotes are verbatim, unless it holds control signs."""
    return text if text.isprintable() else clean(text)


def _tells_speakers(source: Source) -> bool:
    return any(cue.channel is not None or cue.speaker != "unknown" for cue in source.cues)


def _end(source: Source) -> float:
    return max(cue.end for cue in source.cues)
