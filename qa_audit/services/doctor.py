"""A check of this installation: what is there, what is missing, what was chosen, and how fast it is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import Literal

from qa_audit.domain.transcript import EngineInfo
from qa_audit.errors import QaAuditError
from qa_audit.media import vad
from qa_audit.services import bundled_calls, health, measuring, speech_input
from qa_audit.services.ports import Ports
from qa_audit.services.receiving import ensure_room
from qa_audit.speech import models
from qa_audit.speech.engine import WhisperEngine
from qa_audit.speech.protocol import SpeechChannel

State = Literal["ok", "note", "wrong"]

SPEED_CALL = "call-01"
SPEED_SECONDS = 30.0
"""So much of a bundled call's speech, of both channels together, is recognised to measure the speed."""

ENGINE_PACKAGES = {
    "openai-whisper": (("whisper", "torch"), "Install QA Audit again."),
    "faster-whisper": (("ctranslate2",), "Install the extra: pip install 'qa-audit[faster]'."),
}


@dataclass(frozen=True)
class Check:
    """What was found about one part: a `note` is worth knowing, `wrong` keeps the installation from working."""

    part: str
    state: State
    words: str


@dataclass(frozen=True)
class Speed:
    """How fast speech is recognised: `seconds` of it took `took` seconds with a warm model."""

    seconds: float
    took: float

    @property
    def factor(self) -> float:
        """Return the seconds of speech recognised per second."""
        return self.seconds / max(self.took, 1e-9)


def examine(ports: Ports, *, speed: bool = True) -> Iterator[Check]:
    """Check part by part and yield what was found as soon as it is known; nothing is fetched or changed.

    `speed` has the model loaded and measured too, which takes a while.
    """
    yield Check("settings", "ok", f"readable; data in {ports.settings.data_dir}")
    for part, look in (
        ("database", _database),
        ("redis", _redis),
        ("media", _media),
        ("speech detector", _detector),
    ):
        yield _tried(part, partial(look, ports))
    yield from _speech(ports, speed)


def measure_speed(ports: Ports) -> Speed:
    """Recognise some bundled speech twice and time the second time; loads the model."""
    call = next(call for call in bundled_calls.load_bundle().calls if call.id == SPEED_CALL)
    measured = ports.recordings.measure(call.path)
    layout = measuring.layout_for(measured, call.channels)
    channels = [
        _beginning(channel, SPEED_SECONDS / len(measured.speech))
        for channel in speech_input.speech_channels(ports.recordings.samples(call.path), measured, layout)
    ]
    ports.speech.transcribe(channels, language=call.language)
    began = time.monotonic()
    ports.speech.transcribe(channels, language=call.language)
    took = time.monotonic() - began
    return Speed(sum(end - start for channel in channels for start, end in channel.spans), took)


def _beginning(channel: SpeechChannel, seconds: float) -> SpeechChannel:
    """Keep the first stretches of speech, `seconds` of them."""
    spans, left = [], seconds
    for start, end in channel.spans:
        if left <= 0:
            break
        spans.append((start, min(end, start + left)))
        left -= end - start
    return SpeechChannel(channel.speaker, channel.samples, spans)


def _database(ports: Ports) -> Check:
    ports.db.ping()
    current, newest = ports.db.revisions()
    if current != newest:
        state = "not set up yet" if current is None else f"of another version ({current})"
        return Check("database", "wrong", f"it is {state}. Run: qa-audit db upgrade")
    kind = "SQLite" if ports.db.is_sqlite else "Postgres"
    return Check("database", "ok", f"{kind} answers, schema {current} is current")


def _redis(ports: Ports) -> Check:
    if health.bell_rings(ports):
        return Check("redis", "ok", "it answers")
    if ports.settings.redis_url:
        return Check(
            "redis", "wrong", "it does not answer at QA_AUDIT_REDIS_URL; work only waits for the sweep"
        )
    return Check("redis", "note", "none is set and the private one does not run; work waits for the sweep")


def _media(ports: Ports) -> Check:
    ensure_room(ports)
    probe = ports.media.incoming() / f"doctor-{os.getpid()}.tmp"
    try:
        probe.write_bytes(b"QA Audit")
    finally:
        probe.unlink(missing_ok=True)
    free = ports.media.free_bytes()
    return Check("media", "ok", f"writable, {free / 1e9:.1f} GB free" if free < 1e15 else "writable")


def _detector(ports: Ports) -> Check:
    return Check("speech detector", "ok", f"its model {vad.model_path().name} is there")


def _speech(ports: Ports, speed: bool) -> Iterator[Check]:
    settings = ports.settings
    packages, advice = ENGINE_PACKAGES[settings.speech_engine]
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        yield Check(
            "speech engine", "wrong", f"{settings.speech_engine} lacks {', '.join(missing)}. {advice}"
        )
        return
    yield Check("speech engine", "ok", settings.speech_engine)
    is_there = models.is_cached(settings.whisper_model, settings.model_cache)
    if not is_there and settings.whisper_model in models.NAMES:
        words = f"{settings.whisper_model} is not here yet; it is fetched when the first call needs it"
        yield Check("speech model", "note", words)
        yield Check("speed", "note", "not measured: the speech model would have to be fetched first")
        return
    model = _tried("speech model", lambda: _model(ports.speech.engine))
    yield model
    if model.state == "ok" and speed:
        chosen = _tried("chosen", lambda: _chosen(ports))
        yield chosen
        if chosen.state != "wrong":
            yield _tried("speed", lambda: _speed(ports))


def _model(found: EngineInfo) -> Check:
    return Check("speech model", "ok", f"{found.model} ({(found.model_sha256 or '')[:12]}) is here")


def _chosen(ports: Ports) -> Check:
    """Say what the engine chose for this machine; loads the model."""
    engine, settings = ports.speech, ports.settings
    if not isinstance(engine, WhisperEngine):
        return Check("chosen", "note", "this engine does not say")
    loaded = engine.recogniser
    threads = f", {settings.speech_threads or os.cpu_count() or 1} threads"
    about = loaded.about if "thread" in loaded.about else f"{loaded.about}{threads}"
    return Check("chosen", "ok", f"{about}, {loaded.batch} windows at once, beam {settings.speech_beam}")


def _speed(ports: Ports) -> Check:
    found = measure_speed(ports)
    words = (
        f"{found.factor:.1f} seconds of speech per second "
        f"({found.seconds:.0f} s of speech took {found.took:.1f} s)"
    )
    return Check("speed", "ok", words)


def _tried(part: str, look: Callable[[], Check]) -> Check:
    """Return what a look finds; an error is found too."""
    try:
        return look()
    except QaAuditError as error:
        return Check(part, "wrong", error.message)
    except Exception as error:
        lines = str(error).strip().splitlines() or [""]
        return Check(part, "wrong", f"{type(error).__name__}: {lines[0][:200]}".rstrip(": "))
