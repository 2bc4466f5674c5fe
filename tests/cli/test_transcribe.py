"""`qa-audit transcribe`: one file, no server and no database."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from qa_audit.cli import transcribe
from qa_audit.cli.main import main
from qa_audit.config import Settings
from qa_audit.domain.transcript import Transcript
from qa_audit.errors import Permanent, UnknownLanguage
from qa_audit.runtime import Runtime
from qa_audit.speech.protocol import Heard, SpeechChannel
from qa_audit.speech.scripted import ScriptedTranscriber, segment
from tests.cli import sounds
from tests.cli.sounds import CALL, Sound, encode, write_wav
from tests.fakes import REAL_MODEL


class Ears(ScriptedTranscriber):
    """Ears that hear one word at the beginning of each stretch of speech, and remember what they were given."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__((), info=REAL_MODEL, errors=[error] if error else [])
        self.heard: Sequence[SpeechChannel] = ()
        self.options: dict[str, Any] = {}
        self.settings: Settings | None = None

    def transcribe(self, channels: Sequence[SpeechChannel], **options: Any) -> Heard:
        self.heard, self.options = channels, options
        self.default = [
            segment(channel.speaker, start, "word", per_word=min(0.3, end - start))
            for channel in channels
            for start, end in channel.spans
        ]
        return super().transcribe(channels, **options)


@pytest.fixture
def voices(tmp_path_factory: pytest.TempPathFactory) -> Sound:
    return sounds.voices(tmp_path_factory.getbasetemp())


@pytest.fixture
def ears(monkeypatch: pytest.MonkeyPatch) -> Ears:
    found = Ears()

    def build(settings: Settings, *, fetching: Callable[[float], None]) -> Runtime:
        fetching(0.5)
        runtime = Runtime(settings)
        runtime.speech = found  # type: ignore[misc]
        found.settings = settings
        return runtime

    monkeypatch.setattr(transcribe, "build_runtime", build)
    return found


def run(folder: Path, *arguments: str | Path, **variables: str) -> Result:
    """Run the command with a data folder of its own, and without a database."""
    environment = {"QA_AUDIT_DATA_DIR": str(folder / "data"), **variables}
    return CliRunner().invoke(main, ["transcribe", *map(str, arguments)], env=environment)


def transcript_of(result: Result) -> Transcript:
    assert result.exit_code == 0, result.output
    return Transcript.model_validate(json.loads(result.stdout))


def kinds(transcript: Transcript) -> list[str]:
    return [note.kind for note in transcript.notes]


MONO = (("unknown",), "mono", ["speakers_unknown"])
APART = (("unknown", "unknown"), "stereo-unknown", ["speakers_unknown"])

RECORDINGS: dict[str, tuple[Callable[[Path, Sound], Path], tuple[tuple[str, ...], str, list[str]]]] = {
    "8-bit 8 kHz mono": (
        lambda folder, both: write_wav(folder / "a.wav", both.mean(axis=0, keepdims=True), width=1),
        MONO,
    ),
    "stereo 8 kHz": (lambda folder, both: write_wav(folder / "a.wav", both), APART),
    "OGG mono": (
        lambda folder, both: encode(
            folder / "a.ogg", both.mean(axis=0, keepdims=True), "libopus", rate=48_000
        ),
        MONO,
    ),
    "MP3 44.1 kHz of one voice track on both channels": (
        lambda folder, both: encode(
            folder / "a.mp3", both.mean(axis=0, keepdims=True).repeat(2, axis=0), "libmp3lame", rate=44_100
        ),
        (("unknown",), "dual-mono", ["dual_mono", "speakers_unknown"]),
    ),
    "one dead channel": (
        lambda folder, both: write_wav(folder / "a.wav", np.stack([both.mean(axis=0), 0 * both[0]])),
        (("unknown", "unknown"), "stereo-unknown", ["silent_channel", "speakers_unknown"]),
    ),
}


@pytest.mark.parametrize("kind", RECORDINGS)
def test_recordings_of_all_kinds_get_the_right_layout_and_times_within_the_file(
    tmp_path: Path, voices: Sound, ears: Ears, kind: str
) -> None:
    make, (speakers, layout, notes) = RECORDINGS[kind]
    transcript = transcript_of(run(tmp_path, make(tmp_path, voices), "--json"))
    assert tuple(channel.speaker for channel in ears.heard) == speakers
    assert (transcript.layout, kinds(transcript)) == (layout, notes)
    assert transcript.duration == pytest.approx(sounds.SECONDS, abs=0.2)
    assert transcript.segments
    assert all(0 <= one.start < one.end <= transcript.duration for one in transcript.segments)


def test_a_file_cut_in_the_middle_is_transcribed_up_to_the_cut_and_says_so(
    tmp_path: Path, voices: Sound, ears: Ears
) -> None:
    path = write_wav(tmp_path / "cut.wav", voices)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = run(tmp_path, path, "--json")
    transcript = transcript_of(result)
    assert kinds(transcript) == ["truncated", "speakers_unknown"]
    assert "its file was cut" in result.stderr
    assert transcript.duration == pytest.approx(sounds.SECONDS / 2, abs=0.1)
    assert all(one.end <= transcript.duration for one in transcript.segments)


def test_overtalk_stays_on_both_channels(tmp_path: Path, voices: Sound, ears: Ears) -> None:
    both = np.stack([voices[0], voices[0][::-1]])
    transcript_of(run(tmp_path, write_wav(tmp_path / "a.wav", both), "--json"))
    left, right = (list(channel.spans) for channel in ears.heard)
    assert any(a < d and c < b for a, b in left for c, d in right)


@pytest.mark.parametrize(
    ("channels", "speakers"),
    [("agent-left", ("agent", "customer")), ("agent-right", ("customer", "agent"))],
)
def test_the_side_of_the_agent_can_be_told(
    tmp_path: Path, voices: Sound, ears: Ears, channels: str, speakers: tuple[str, ...]
) -> None:
    result = run(tmp_path, write_wav(tmp_path / "a.wav", voices), "--channels", channels)
    assert tuple(channel.speaker for channel in ears.heard) == speakers
    assert result.exit_code == 0
    first = result.stdout.splitlines()[0].split("  ")
    assert first[0].startswith("0:00.")
    assert first[1].strip() == ("Agent" if speakers[0] == "agent" else "Customer")
    assert result.stderr == ""


def test_mono_mixes_two_channels_into_one_unknown_speaker_and_says_so(
    tmp_path: Path, voices: Sound, ears: Ears
) -> None:
    result = run(tmp_path, write_wav(tmp_path / "a.wav", voices, rate=16_000), "--channels", "mono")
    assert result.exit_code == 0
    (channel,) = ears.heard
    assert channel.speaker == "unknown"
    mean = voices.mean(axis=0)[:-1]
    assert np.abs(np.asarray(channel.samples[: len(mean)]) - mean).max() < 0.001
    assert list(channel.spans) == sorted(channel.spans)
    assert all(b < c for (_, b), (c, _) in zip(channel.spans, channel.spans[1:], strict=False))
    assert "mixed into one" in result.stderr
    assert all("  Speaker unknown  " in line for line in result.stdout.splitlines())


def test_model_engine_language_and_names_are_handed_on(tmp_path: Path, ears: Ears) -> None:
    options = ("--model", "small", "--engine", "faster-whisper", "--language", "de-AT", "--hint", "Kestrel")
    transcript = transcript_of(run(tmp_path, CALL, *options, "--hint", "Star  Air", "--json"))
    assert ears.settings is not None
    assert (ears.settings.whisper_model, ears.settings.speech_engine) == ("small", "faster-whisper")
    assert (ears.options["language"], list(ears.options["hints"])) == ("de", ["Kestrel", "Star Air"])
    assert transcript.language == "de"
    transcript_of(run(tmp_path, CALL, "--json", QA_AUDIT_LANGUAGE="es"))
    assert ears.options["language"] == "es"


def test_no_database_is_made(tmp_path: Path, ears: Ears) -> None:
    run(tmp_path, CALL)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["tmp"]
    assert list((tmp_path / "data" / "tmp").iterdir()) == []


def nothing(path: Path) -> None:
    """Leave the file away."""


def silence(path: Path) -> None:
    write_wav(path, np.zeros((1, 5 * sounds.RATE), np.float32))


def short(path: Path) -> None:
    write_wav(path, np.full((1, 1000), 0.1, np.float32))


def four_channels(path: Path) -> None:
    write_wav(path, np.full((4, 5 * sounds.RATE), 0.1, np.float32))


def text(path: Path) -> None:
    path.write_text("hello")


def folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (nothing, "no file"),
        (folder, "no file"),
        (text, "text file"),
        (silence, "silent"),
        (short, "lasts only"),
        (four_channels, "4 channels"),
    ],
)
def test_what_cannot_be_transcribed_is_one_line_and_exit_code_1(
    tmp_path: Path, ears: Ears, make: Callable[[Path], None], words: str
) -> None:
    path = tmp_path / "call.wav"
    make(path)
    assert_refused(run(tmp_path, path, "--json"), words)
    assert ears.calls == []


@pytest.mark.parametrize(
    "error",
    [UnknownLanguage("This call is in the language 'xx'."), Permanent("model_unavailable", "There is none.")],
)
def test_a_model_that_cannot_do_it_is_one_line_and_exit_code_1(
    tmp_path: Path, ears: Ears, error: Exception
) -> None:
    ears.errors = [error]
    assert_refused(run(tmp_path, CALL, "--json"), str(error))


def test_a_model_that_is_none_is_told(tmp_path: Path) -> None:
    assert_refused(
        run(tmp_path, CALL, "--model", "no-such-model"), "There is no speech model 'no-such-model'"
    )


def assert_refused(result: Result, words: str) -> None:
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("qa-audit: ")
    assert result.stderr.count("\n") == 1
    assert words in result.stderr


def test_on_a_terminal_each_step_and_the_fetching_of_a_model_is_shown(
    tmp_path: Path, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[str, float]] = []
    monkeypatch.setattr("rich.progress.Progress.update", lambda self, task, **v: shown.append(v))
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda self: True, raising=False)
    result = run(tmp_path, CALL)
    assert result.exit_code == 0
    steps = [one["description"] for one in shown]  # type: ignore[call-overload]
    assert list(dict.fromkeys(steps)) == [transcribe.FETCHING, "measuring", "transcribing"]
    assert shown[-1]["completed"] == 1.0  # type: ignore[call-overload]


@pytest.mark.parametrize(("seconds", "shown"), [(0.04, "0:00.0"), (67.49, "1:07.4"), (3723.0, "1:02:03.0")])
def test_times_are_those_of_a_player(seconds: float, shown: str) -> None:
    assert transcribe._clock(seconds) == shown


def test_the_demo_model_understands_a_bundled_call(tmp_path: Path) -> None:
    result = run(tmp_path, CALL, "--model", "demo", "--channels", "agent-left")
    assert result.exit_code == 0
    assert "Agent     Thank you for calling Northwind" in result.stdout
    assert "demo model" in result.stderr


def test_the_help_has_an_example() -> None:
    assert "Example: qa-audit transcribe" in CliRunner().invoke(main, ["transcribe", "--help"]).output
