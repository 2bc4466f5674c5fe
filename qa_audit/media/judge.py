"""What the facts about a decoded recording mean: a measurement with warnings, or a named failure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from qa_audit.domain.transcript import Event
from qa_audit.errors import Permanent
from qa_audit.media.protocol import Measurement, Span

Likeness = Literal["same", "mixed", "apart"]
"""Two channels carry the same sound, both people each, or one person each."""

SILENT_DB = -60.0
"""A channel whose loudest tenth of a second stays below this many dBFS carries no sound."""

LOW_DB = -35.0
"""Below this the loudest tenth of a second of a call is so low that recognition suffers."""

MIN_SECONDS = 1.0
"""A recording with less sound, or with less speech, than this is too short to audit."""

UNDECODABLE_SHARE = 0.25
"""A recording of which more than this share had to be filled with silence is not worth going on with."""

DAMAGED_SECONDS = 0.1
CLIPPED_SHARE = 0.001
DUAL_MONO_CORRELATION = 0.99
DUAL_MONO_DB = 3.0

SLACK_SECONDS = 1.0
SLACK_SHARE = 0.02
"""A file may claim so much more than it holds (seconds plus share) before it counts as cut: headers round."""

WARNINGS = {
    "truncated": "The recording ends too early: its file was cut. Everything before the cut was used.",
    "damaged": "Parts of the recording could not be decoded and are silent.",
    "clipped": "The recording is distorted because it was recorded too loud.",
    "dual_mono": "Both channels carry the same sound, so the speakers cannot be told apart by channel.",
    "mixed_channels": (
        "Both people are on both channels, as in a stereo recording of a room, so the speakers cannot be told "
        "apart by channel. Ask for a recording with one person per channel."
    ),
    "silent_channel": "One of the two channels is silent.",
    "low_level": "The recording is very quiet.",
    "layout_doubt": (
        "The words do not fit the setting of which channel is the agent's. Listen to the first turns; if agent "
        "and customer are exchanged, change the channel setting of the vendor and run the call again."
    ),
}
"""Each warning's name and what it means, in words for a person."""


@dataclass(frozen=True)
class Facts:
    """What the child found when it decoded everything; seconds, and levels per channel in dBFS.

    `good_seconds` were decoded, `bad_seconds` filled with silence; `claimed_seconds` is the file's own word.
    `likeness` is found by the parent, from the stretches of speech.
    """

    channels: int
    sample_rate: int
    seconds: float
    good_seconds: float
    bad_seconds: float
    claimed_seconds: float | None
    cut: bool
    ends_badly: bool
    rms: tuple[float, ...]
    loudest: tuple[float, ...]
    clipped: tuple[float, ...]
    correlation: float | None = None
    difference: float | None = None
    likeness: Likeness = "apart"

    @property
    def is_one_voice_track(self) -> bool:
        """Say whether the people are on every channel of two, so that the second adds nothing."""
        return self.dual_mono or self.likeness != "apart"

    @property
    def dual_mono(self) -> bool:
        """Say whether both channels carry the same sound."""
        return (
            self.correlation is not None
            and self.difference is not None
            and max(self.loudest) >= SILENT_DB
            and self.correlation >= DUAL_MONO_CORRELATION
            and abs(self.difference) <= DUAL_MONO_DB
        )

    @property
    def layout_hint(self) -> str:
        """Return `mono`, `dual-mono` or `stereo`."""
        if self.channels == 1:
            return "mono"
        return "dual-mono" if self.is_one_voice_track else "stereo"

    @property
    def silent_channels(self) -> tuple[int, ...]:
        """Return the numbers of the channels that carry no sound."""
        return tuple(number for number, level in enumerate(self.loudest) if level < SILENT_DB)


def facts_of(answer: Mapping[str, object]) -> Facts:
    """Build the facts from the child's answer."""
    values = dict(answer)
    levels = values.pop("levels")
    assert isinstance(levels, Mapping)
    values.update(
        {name: tuple(value) if isinstance(value, list) else value for name, value in levels.items()}
    )
    known = {name: values[name] for name in Facts.__dataclass_fields__ if name in values}
    return Facts(**known)  # type: ignore[arg-type]


def check_sound(facts: Facts) -> None:
    """Raise Permanent (`undecodable`, `too_short`, `silent`) when it is not worth looking for speech."""
    whole = facts.good_seconds + facts.bad_seconds
    if not facts.good_seconds:
        raise Permanent(
            "undecodable", "No sound in the recording can be decoded. Export it again from its source."
        )
    if facts.bad_seconds > UNDECODABLE_SHARE * whole:
        share = round(100 * facts.bad_seconds / whole)
        raise Permanent(
            "undecodable",
            f"{share} % of the recording cannot be decoded or changes its channels. Export it again.",
        )
    if facts.seconds < MIN_SECONDS:
        raise Permanent("too_short", f"The recording lasts only {facts.seconds:.2f} seconds.")
    if len(facts.silent_channels) == facts.channels:
        raise Permanent("silent", "The recording is silent from start to end. Check how it was recorded.")


def judge(facts: Facts, speech: Sequence[Sequence[Span]], events: Sequence[Event] = ()) -> Measurement:
    """Return the measurement; `speech` has the spans of each channel in seconds.

    Raises Permanent: all of `check_sound`, and `silent` or `too_short` when there is no or too little speech.
    """
    check_sound(facts)
    if not any(speech):
        raise Permanent("silent", "The recording has sound, but no speech was found in it.")
    spoken = union_seconds([span for spans in speech for span in spans])
    if spoken < MIN_SECONDS:
        raise Permanent("too_short", f"The recording holds only {spoken:.2f} seconds of speech.")
    return Measurement(
        duration=facts.seconds,
        sample_rate=facts.sample_rate,
        channels=facts.channels,
        layout_hint=facts.layout_hint,
        speech=tuple(tuple(spans) for spans in speech),
        levels=facts.rms,
        warnings=warnings_of(facts),
        events=tuple(events),
    )


def warnings_of(facts: Facts) -> tuple[str, ...]:
    """Return the names of the warnings that the facts call for."""
    claimed = facts.claimed_seconds or 0.0
    short = claimed - facts.seconds > SLACK_SECONDS + SLACK_SHARE * claimed
    found = {
        "truncated": facts.cut or facts.ends_badly or short,
        "damaged": facts.bad_seconds >= DAMAGED_SECONDS,
        "clipped": max(facts.clipped) > CLIPPED_SHARE,
        "dual_mono": facts.dual_mono or facts.likeness == "same",
        "mixed_channels": facts.likeness == "mixed",
        "silent_channel": facts.channels == 2 and bool(facts.silent_channels),
        "low_level": max(facts.loudest) < LOW_DB,
    }
    return tuple(name for name in found if found[name])


def union_seconds(spans: Sequence[Span]) -> float:
    """Return how many seconds the spans cover together, overlaps counted once."""
    total, reached = 0.0, 0.0
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
