"""Checkpoints become CTranslate2 models once, whole or not at all."""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qa_audit.errors import Permanent, Temporary
from qa_audit.speech import conversion, models, whisper_files
from qa_audit.speech.conversion import Converted, converted
from tests.unit.speech.checkpoints import ENGLISH, MULTILINGUAL, MULTILINGUAL_100, make_checkpoint

Shape = dict[str, Any]

SHAPES: dict[str, Shape] = {
    "english": {"vocabulary": ENGLISH},
    "99 languages, half": {"vocabulary": MULTILINGUAL, "width": 96, "heads": 3, "layers": (1, 2), "is_half": True},
    "100 languages, 128 mels": {"vocabulary": MULTILINGUAL_100, "mels": 128, "layers": (3, 4), "heads": 4},
}  # fmt: skip


def found_at(path: Path) -> models.Found:
    return models.find(str(path), path.parent)


@pytest.fixture(autouse=True)
def _child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convert within this process, which has torch already; the tests of two at once start children."""

    def run(arguments: list[str]) -> tuple[int, bytes]:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            code = conversion.main(arguments)
        return code, said.getvalue().encode()

    monkeypatch.setattr(conversion, "_run", run)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> models.Found:
    return found_at(make_checkpoint(tmp_path_factory.mktemp("model") / "other.pt"))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
def test_a_converted_model_computes_what_whisper_computes(shape: Shape, tmp_path: Path) -> None:
    import torch
    from ctranslate2 import StorageView
    from ctranslate2.models import Whisper

    found = found_at(make_checkpoint(tmp_path / "model.pt", **shape))
    made = converted(found, tmp_path)
    ours = Whisper(str(made.folder), compute_type="float32", intra_threads=1)
    theirs = models.load(found)
    mel = np.random.default_rng(3).normal(size=(1, theirs.dims.n_mels, 3000)).astype(np.float32)
    prompt = list(whisper_files.tokenizer(shape["vocabulary"], "en").sot_sequence_including_notimestamps)
    with torch.no_grad():
        sound = theirs.embed_audio(torch.from_numpy(mel))
        logits = theirs.logits(torch.tensor([prompt]), sound)[0, -1]
    encoded = ours.encode(StorageView.from_array(mel))
    np.testing.assert_allclose(np.asarray(encoded), sound.numpy(), atol=2e-3)
    [result] = ours.generate(
        encoded, [prompt], beam_size=1, max_length=len(prompt), suppress_blank=False, suppress_tokens=[],
        return_scores=True,
    )  # fmt: skip
    assert result.sequences_ids[0] == [int(logits.argmax())]
    assert result.scores[0] == pytest.approx(float(logits.log_softmax(-1).max()), abs=1e-3)
    assert made.dims == theirs.dims.__dict__


@pytest.mark.parametrize("vocabulary", [ENGLISH, MULTILINGUAL, MULTILINGUAL_100])
def test_every_token_stands_in_its_place(vocabulary: int) -> None:
    from whisper.decoding import DecodingOptions, DecodingTask
    from whisper.model import ModelDimensions, Whisper
    from whisper.tokenizer import get_tokenizer

    tokens = conversion._vocabulary(vocabulary)
    is_multilingual = vocabulary != ENGLISH
    own = get_tokenizer(is_multilingual, num_languages=vocabulary - 51765 - is_multilingual)
    assert len(tokens) == len(set(tokens)) == vocabulary
    for name, place in own.special_tokens.items():
        assert tokens[place] == name
    model = Whisper(ModelDimensions(80, 1500, 8, 1, 1, vocabulary, 448, 8, 1, 1))
    task = DecodingTask(model, DecodingOptions(language="en", without_timestamps=True))
    assert tuple(conversion.suppressed(vocabulary)) == task._get_suppress_tokens()


def test_languages_and_attention_heads_are_recorded(tmp_path: Path) -> None:
    path = make_checkpoint(tmp_path / "model.pt", vocabulary=MULTILINGUAL, layers=(1, 3), heads=2)
    config = json.loads((converted(found_at(path), tmp_path).folder / "config.json").read_text())
    assert config["lang_ids"] == [*range(50259, 50358)]
    assert config["alignment_heads"] == [[1, 0], [1, 1], [2, 0], [2, 1]]


def test_the_heads_of_named_models_are_whispers() -> None:
    import torch
    import whisper
    from whisper.model import ModelDimensions, Whisper

    model = Whisper(ModelDimensions(80, 1500, 8, 6, 1, MULTILINGUAL, 448, 6, 6, 4))
    model.set_alignment_heads(whisper._ALIGNMENT_HEADS["tiny"])
    own = [tuple(pair) for pair in torch.stack(tuple(model.alignment_heads.indices())).T.tolist()]
    dims = {"n_text_layer": 4, "n_text_head": 6}
    assert conversion._alignment_heads(dims, models.source_of("tiny").sha256) == own


def test_a_second_use_converts_nothing(
    checkpoint: models.Found, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = converted(checkpoint, tmp_path)
    monkeypatch.setattr(conversion, "_made", lambda *_: pytest.fail("converted again"))
    assert converted(checkpoint, tmp_path) == first


def test_weights_kept_as_bytes_are_kept_apart_and_smaller(checkpoint: models.Found, tmp_path: Path) -> None:
    whole, small = converted(checkpoint, tmp_path), converted(checkpoint, tmp_path, in_bytes=True)
    sizes = [(made.folder / "model.bin").stat().st_size for made in (whole, small)]
    assert sizes[1] < 0.3 * sizes[0]


def cut_short(folder: Path) -> None:
    with (folder / "model.bin").open("r+b") as file:
        file.truncate(1000)


def change_a_byte(folder: Path) -> None:
    with (folder / "model.bin").open("r+b") as file:
        file.seek(5000)
        file.write(b"\xff\x00\xff")


def take_away_the_vocabulary(folder: Path) -> None:
    (folder / "vocabulary.json").unlink()


def take_away_the_record(folder: Path) -> None:
    (folder / "converted.json").unlink()


@pytest.mark.parametrize("damage", [cut_short, change_a_byte, take_away_the_vocabulary, take_away_the_record])
def test_a_damaged_model_is_made_again(damage: Any, checkpoint: models.Found, tmp_path: Path) -> None:
    first = converted(checkpoint, tmp_path)
    before = {path.name: path.read_bytes() for path in first.folder.iterdir()}
    damage(first.folder)
    again = converted(checkpoint, tmp_path)
    assert again == first
    assert {path.name: path.read_bytes() for path in again.folder.iterdir()} == before


def command(found: models.Found, cache: Path) -> tuple[list[str], Path]:
    """Return the command of a conversion that runs by itself, and the folder that it makes."""
    folder = cache / f"ctranslate2-{conversion.VERSION}-float-{found.sha256[:16]}"
    words = [
        sys.executable,
        "-m",
        "qa_audit.speech.conversion",
        str(found.path),
        found.sha256,
        str(folder),
        "float",
    ]
    return words, folder


def test_two_at_once_make_it_once(checkpoint: models.Found, tmp_path: Path) -> None:
    words, folder = command(checkpoint, tmp_path)
    both = [subprocess.Popen(words, env=conversion._environment()) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    assert conversion._whole(folder) == Converted(folder, converted(checkpoint, tmp_path).dims)
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_kill_in_the_middle_leaves_nothing_that_is_believed(tmp_path: Path) -> None:
    found = found_at(make_checkpoint(tmp_path / "large.pt", width=512, layers=(6, 6)))
    words, folder = command(found, tmp_path)
    process = subprocess.Popen(words, env=conversion._environment())
    half = folder.with_name(f".{folder.name}.tmp") / "model.bin"
    while not (half.exists() and half.stat().st_size):
        assert process.poll() is None
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    assert half.exists()
    assert not folder.exists()
    assert converted(found, tmp_path).folder == folder
    assert not half.exists()


def test_a_full_disk_is_told_in_words_and_leaves_nothing(checkpoint: models.Found, tmp_path: Path) -> None:
    words, folder = command(checkpoint, tmp_path)
    done = subprocess.run(
        words, env=conversion._environment(), capture_output=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )  # fmt: skip
    assert done.returncode == 1
    assert isinstance(conversion._failure(checkpoint, done.stdout, 1), Temporary)
    assert not folder.exists()
    assert not list(tmp_path.glob(".*.tmp"))


def test_words_for_a_full_disk(
    checkpoint: models.Found,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(conversion, "convert", full)
    assert conversion.main([str(checkpoint.path), checkpoint.sha256, str(tmp_path / "made"), "int8"]) == 1
    error = conversion._failure(checkpoint, capsys.readouterr().out.encode(), 1)
    assert isinstance(error, Temporary)
    assert error.message.endswith("the disk is full.")


def test_a_child_that_dies_is_no_riddle(checkpoint: models.Found) -> None:
    error = conversion._failure(checkpoint, b"", -9)
    assert isinstance(error, Temporary)
    assert "too little memory" in error.message


def change(path: Path, **changes: Any) -> models.Found:
    """Write a checkpoint anew with other weights or sizes; None takes a weight away."""
    import torch

    loaded = torch.load(path, weights_only=True)
    for name, value in changes.items():
        if name in loaded["dims"]:
            loaded["dims"][name] = value
        elif value is None:
            del loaded["model_state_dict"][name.replace("__", ".")]
        else:
            loaded["model_state_dict"][name.replace("__", ".")] = value
    torch.save(loaded, path)
    return found_at(path)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"decoder__ln__weight": None}, "lacks the weights decoder.ln.weight"),
        ({"n_text_layer": 2}, "lacks the weights decoder.blocks.1"),
        ({"n_audio_layer": 1}, "weights that are not whisper's, such as encoder.blocks.1"),
        ({"n_audio_state": 48}, "have the shape"),
        ({"n_vocab": 51865}, "have the shape"),
    ],
)
def test_a_checkpoint_that_does_not_fit_itself_is_refused_in_one_line(
    changes: dict[str, Any], why: str, tmp_path: Path
) -> None:
    found = change(make_checkpoint(tmp_path / "odd.pt"), **changes)
    with pytest.raises(Permanent, match=why) as caught:
        converted(found, tmp_path)
    assert caught.value.failure == "model_unavailable"
    assert "odd.pt" in caught.value.message
    assert "\n" not in caught.value.message


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 and then nothing"])
def test_a_file_that_is_no_checkpoint_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "broken.pt").write_bytes(content)
    with pytest.raises(Permanent, match=r"broken\.pt cannot be loaded") as caught:
        converted(found_at(tmp_path / "broken.pt"), tmp_path)
    assert "\n" not in caught.value.message


def test_another_vocabulary_is_refused(tmp_path: Path) -> None:
    found = found_at(make_checkpoint(tmp_path / "small.pt", vocabulary=51000))
    with pytest.raises(Permanent, match="vocabulary of 51000 tokens"):
        converted(found, tmp_path)
