"""Transcribing a file on its own: no call, no database, nothing kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from qa_audit.domain.acoustics import merge
from qa_audit.domain.transcript import Layout, Note, Transcript
from qa_audit.errors import NotFound
from qa_audit.media.judge import WARNINGS
from qa_audit.media.protocol import Measurement, Samples
from qa_audit.services import examining, measuring, speech_input, transcription
from qa_audit.services.ports import Ports
from qa_audit.speech.protocol import Sound, SpeechChannel

if TYPE_CHECKING:
    import numpy

CHANNELS = ("auto", "agent-left", "agent-right", "mono")
"""What can be said of a file's channels; without a word the speakers of two channels stay unknown."""

Step = Literal["measuring", "transcribing"]
Progress = Callable[[Step, float], None]

NO_ROLES: dict[Layout, str] = {
    "mono": "Speakers unknown: the recording has one voice track, so nobody knows who says what.",
    "dual-mono": "Speakers unknown: both channels carry both voices, so nobody knows who says what.",
    "stereo-unknown": "Speakers unknown: nobody said which side of the recording the agent is on.",
}
MIXED = "The recording has two channels; as asked for, they were mixed into one."


def transcribe_file(
    ports: Ports,
    path: Path,
    *,
    channels: str = "auto",
    language: str | None = None,
    hints: Sequence[str] = (),
    progress: Progress = lambda step, fraction: None,
) -> Transcript:
    """Measure and transcribe a recording; what is the matter with it stands in the transcript's notes.

    `channels` is one of `CHANNELS`; `mono` hears two channels as one voice track. `language` is a tag of BCP
    47, None takes the setting, else listens for it. `progress` gets the step and its finished fraction (0 to
    1). Raises NotFound, Permanent with the failure's name, UnknownLanguage, Temporary.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    measured = ports.recordings.measure(path, progress=lambda done: progress("measuring", done))
    layout = measuring.layout_for(measured, channels)
    samples, mixed = ports.recordings.samples(path), channels == "mono" and layout == "stereo-unknown"
    if mixed:
        layout, measured = "mono", replace(measured, speech=(tuple(merge(_all_spans(measured))),))
    heard = ports.speech.transcribe(
        [_mixed(samples, measured)] if mixed else speech_input.speech_channels(samples, measured, layout),
        language=speech_input.spoken_code(language or ports.settings.language),
        hints=hints,
        progress=lambda done: progress("transcribing", done),
    )
    transcript = examining.examined(transcription.transcript_of(heard, measured, layout), measured)
    notes = (*_notes(measured, layout, mixed=mixed), *transcript.notes)
    return transcript.model_copy(update={"notes": notes})


def _notes(measured: Measurement, layout: Layout, *, mixed: bool) -> tuple[Note, ...]:
    """Say what is the matter with the recording, and why nobody knows who speaks where that is so."""
    notes = [Note(kind=name, text=WARNINGS[name]) for name in measured.warnings]
    if mixed:
        notes.append(Note(kind="mixed_down", text=MIXED))
    if layout in NO_ROLES:
        notes.append(Note(kind="speakers_unknown", text=NO_ROLES[layout]))
    return tuple(notes)


def _all_spans(measured: Measurement) -> list[tuple[float, float]]:
    return [span for spans in measured.speech for span in spans]


@dataclass(frozen=True)
class _Mix:
    """The mean of several channels, made where it is read."""

    channels: tuple[Sound, ...]

    def __len__(self) -> int:
        return len(self.channels[0])

    def __getitem__(self, part: slice) -> numpy.ndarray:
        import numpy as np

        pieces = np.stack([channel[part] for channel in self.channels])
        mean: numpy.ndarray = pieces.mean(axis=0, dtype=np.float32)
        return mean


def _mixed(samples: Samples, measured: Measurement) -> SpeechChannel:
    return SpeechChannel("unknown", _Mix(samples.channels), measured.speech[0])
