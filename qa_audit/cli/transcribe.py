"""`qa-audit transcribe`: the words of one recording, without server or database."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import click

from qa_audit import logs
from qa_audit.config import Settings, load_settings
from qa_audit.domain.transcript import Transcript
from qa_audit.runtime import build_runtime
from qa_audit.services import time_left, transcribing_files, vendors
from qa_audit.speech.engines import ENGINES

NAMES = {"agent": "Agent", "customer": "Customer", "unknown": "Speaker unknown"}
FETCHING = "fetching the speech model"


class _Shown(Protocol):
    """Where progress is shown."""

    def __call__(self, step: str, fraction: float) -> None:
        """Show the finished fraction (0 to 1) of a step."""
        ...


@click.command()
@click.argument("audio", type=click.Path(path_type=Path))
@click.option("--model", help="A Whisper model's name, or a checkpoint's path. [default: the setting]")
@click.option("--engine", type=click.Choice(ENGINES), help="The speech engine. [default: the setting]")
@click.option(
    "--channels",
    type=click.Choice(transcribing_files.CHANNELS),
    default="auto",
    show_default=True,
    help="The side of a stereo recording that the agent is on; mono hears both sides as one.",
)
@click.option("--language", help="The language spoken, such as de. [default: listened for]")
@click.option("--hint", "hints", multiple=True, metavar="NAME", help="A name to expect; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="Print the transcript as JSON.")
def transcribe(
    audio: Path,
    model: str | None,
    engine: str | None,
    channels: str,
    language: str | None,
    hints: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print what is said in the recording AUDIO. Needs neither server nor database.

    The first use of a named model fetches it. Remarks about the recording go to stderr.

    Example: qa-audit transcribe call.wav --channels agent-left --json
    """
    logs.configure(level=logging.ERROR)
    names = vendors.checked_hints(hints)
    with _progress() as show:
        runtime = build_runtime(_settings(model, engine), fetching=lambda done: show(FETCHING, done))
        transcript = transcribing_files.transcribe_file(
            runtime, audio, channels=channels, language=language, hints=names, progress=show
        )
    for note in transcript.notes:
        where = "" if note.start is None else f"at {_clock(note.start)}: "
        click.echo(f"Note: {where}{note.text}", err=True)
    if as_json:
        click.echo(json.dumps(transcript.to_json(), ensure_ascii=False, indent=1))
    else:
        _print(transcript)


def _settings(model: str | None, engine: str | None) -> Settings:
    changes = {"whisper_model": model, "speech_engine": engine}
    return load_settings().model_copy(update={name: value for name, value in changes.items() if value})


def _print(transcript: Transcript) -> None:
    """Print one line per segment: when, who, what."""
    width = max((len(NAMES[segment.speaker]) for segment in transcript.segments), default=0)
    for segment in transcript.segments:
        click.echo(f"{_clock(segment.start)}  {NAMES[segment.speaker]:<{width}}  {segment.text}")
    if not transcript.segments:
        click.echo("No words were heard in this recording.", err=True)


def _clock(seconds: float) -> str:
    """Write a time of the recording: 0:07.4, 1:02:03.0."""
    minutes, rest = divmod(int(seconds * 10), 600)
    hours, minutes = divmod(minutes, 60)
    shown = f"{minutes:02}" if hours else f"{minutes}"
    return f"{f'{hours}:' if hours else ''}{shown}:{rest // 10:02}.{rest % 10}"


@contextmanager
def _progress() -> Iterator[_Shown]:
    """Show each step's percent and the time left on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda step, fraction: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[left]}")
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task, paces = shown.add_task("measuring", total=1.0, left=""), dict[str, time_left.TimeLeft]()

        def show(step: str, fraction: float) -> None:
            seconds = paces.setdefault(step, time_left.TimeLeft()).tell(fraction, time.monotonic())
            left = "" if seconds is None else time_left.in_words(seconds)
            shown.update(task, description=step, completed=fraction, left=left)

        yield show
