"""Choose the speech engine that the settings name."""

from __future__ import annotations

from pathlib import Path

from qa_audit.errors import Invalid
from qa_audit.speech.protocol import Transcriber


def open_engine(engine: str, model: str, cache_dir: Path) -> Transcriber:
    """Return the engine; it looks for its model on first use. Raises Invalid for an engine that is none."""
    if engine == "openai-whisper":
        from qa_audit.speech.openai_whisper import OpenAIWhisper

        return OpenAIWhisper(model, cache_dir)
    raise Invalid(f"QA_AUDIT_SPEECH_ENGINE: there is no speech engine called '{engine}'.")
