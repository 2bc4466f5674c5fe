"""Choose the speech engine that the settings name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from qa_audit.errors import Invalid
from qa_audit.speech.engine import WhisperEngine
from qa_audit.speech.models import Found
from qa_audit.speech.recogniser import AS_USUAL, Recogniser, SpeechOptions

ENGINES = ("openai-whisper", "faster-whisper")


def open_engine(
    engine: str,
    model: str,
    cache_dir: Path,
    options: SpeechOptions = AS_USUAL,
    *,
    fetching: Callable[[float], None] = lambda fraction: None,
) -> WhisperEngine:
    """Return the engine; it looks for its model on first use. Raises Invalid for an engine that is none."""
    if engine not in ENGINES:
        raise Invalid(
            f"QA_AUDIT_SPEECH_ENGINE: there is no speech engine called '{engine}'; there are "
            f"{' and '.join(ENGINES)}."
        )

    def open_recogniser(found: Found) -> Recogniser:
        _let_threads_sleep()
        if engine == "faster-whisper":
            from qa_audit.speech.faster_whisper import FasterRecogniser

            return FasterRecogniser(found, cache_dir, options)
        from qa_audit.speech.openai_whisper import OpenAIRecogniser

        return OpenAIRecogniser(found, cache_dir, options)

    return WhisperEngine(engine, model, cache_dir, open_recogniser, fetching=fetching)


def _let_threads_sleep() -> None:
    """Let threads that wait for each other sleep: spinning takes a third of the processor from whatever runs beside.

    The libraries of threads read this when torch or CTranslate2 is first imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
