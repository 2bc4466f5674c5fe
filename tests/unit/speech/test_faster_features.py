"""What the engine hears, and the files of the whisper package that it reads by itself."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from qa_audit.errors import Permanent
from qa_audit.speech import whisper_files
from qa_audit.speech.features import log_mel
from tests.unit.speech.checkpoints import ENGLISH, MULTILINGUAL, MULTILINGUAL_100


@pytest.mark.parametrize("n_mels", [80, 128])
@pytest.mark.parametrize("length", [0, 1, 160, 201, 16_000, 479_801, 479_999, 480_000, 500_000])
def test_the_spectrogram_is_whispers_own(length: int, n_mels: int) -> None:
    from whisper.audio import log_mel_spectrogram, pad_or_trim

    sound = (np.random.default_rng(length).normal(size=length) * 0.1).astype(np.float32)
    found = log_mel(sound, n_mels)
    assert found.dtype == np.float32
    assert found.shape == (n_mels, 3000)
    np.testing.assert_allclose(found, log_mel_spectrogram(pad_or_trim(sound), n_mels).numpy(), atol=1e-4)


@pytest.mark.parametrize("vocabulary", [ENGLISH, MULTILINGUAL, MULTILINGUAL_100])
def test_the_tokenizer_is_whispers_own(vocabulary: int) -> None:
    from whisper.tokenizer import get_tokenizer

    found = whisper_files.tokenizer(vocabulary, "de")
    own = get_tokenizer(vocabulary > ENGLISH, num_languages=vocabulary - 51765 - (vocabulary > ENGLISH), language="de",
                        task="transcribe")  # fmt: skip
    assert found.encoding.n_vocab == vocabulary
    assert found.sot_sequence == own.sot_sequence
    assert found.all_language_codes == own.all_language_codes
    assert found.encode(" Grüße aus Köln") == own.encode(" Grüße aus Köln")


def test_whispers_tables_are_read_without_running_it() -> None:
    import whisper

    assert whisper_files.constant("_MODELS") == whisper._MODELS
    assert whisper_files.constant("_ALIGNMENT_HEADS") == whisper._ALIGNMENT_HEADS
    with pytest.raises(KeyError):
        whisper_files.constant("_NO_SUCH_TABLE")


def test_torch_is_not_imported() -> None:
    program = (
        "import sys, numpy, ctranslate2; from qa_audit.speech import faster_whisper, features, whisper_files;"
        "whisper_files.tokenizer(51864); features.log_mel(numpy.zeros(9, 'float32'), 80);"
        "print({'torch', 'whisper', 'numba'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_missing_whisper_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Permanent, match="openai-whisper is missing"):
        whisper_files.package_folder()
