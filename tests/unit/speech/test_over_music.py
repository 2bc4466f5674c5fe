"""What is said over music is heard: the gate that takes out music is not deaf, and the demo model knows music."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from bench import wer
from qa_audit.media.vad import SpeechDetector
from qa_audit.speech.engines import open_engine
from qa_audit.speech.recogniser import SpeechOptions


@pytest.mark.slow
def test_music_ten_decibels_below_costs_few_words(tmp_path: Path) -> None:
    engine = open_engine("openai-whisper", "demo", tmp_path, SpeechOptions(threads=1))
    clean = [*islice(wer.bundled(), 2)]
    over = wer.over_music(clean, "music-strings", 10.0)
    quiet, loud = (
        wer.measure(channels, engine, None, SpeechDetector(), {})["pipeline"]["wer"]
        for channels in (clean, over)
    )
    assert quiet <= 0.05
    assert loud - quiet <= 0.10, "5 points over all bundled calls; these are few words"
