"""The bundled model unpacks into a checkpoint that whisper loads, once and safely."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from qa_audit.errors import Permanent
from qa_audit.speech import demo_model
from qa_audit.speech.demo_model import COMPACT, ensure_demo_checkpoint


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_demo_checkpoint(tmp_path_factory.mktemp("cache"))


def test_the_bundled_file_is_small_and_is_the_recorded_one() -> None:
    assert COMPACT.stat().st_size <= 5_000_000
    assert demo_model.about()["sha256"] == hashlib.sha256(COMPACT.read_bytes()).hexdigest()


def test_the_unpacked_checkpoint_loads_and_unused_tokens_never_win(unpacked: Path) -> None:
    import torch
    import whisper

    compact = torch.load(COMPACT, weights_only=True)
    model = whisper.load_model(str(unpacked), device="cpu")
    assert not model.is_multilingual
    assert model.dims.n_vocab == 51864
    used = set(compact["used"].tolist())
    unused = torch.tensor([token for token in range(51864) if token not in used])
    torch.manual_seed(1)
    tokens = compact["used"].long()[torch.randint(0, len(used), (2, 12))]
    with torch.no_grad():
        logits = model(torch.randn(2, 80, 3000), tokens)
    least_used = logits[..., compact["used"].long()].amax(-1)
    assert float((least_used - logits[..., unused].amax(-1)).min()) > 100


def test_a_second_call_finds_the_first_ones_file(unpacked: Path) -> None:
    before = unpacked.stat().st_mtime_ns
    assert ensure_demo_checkpoint(unpacked.parent) == unpacked
    assert unpacked.stat().st_mtime_ns == before
    assert demo_model.is_demo_checkpoint(unpacked)


def test_a_damaged_unpacked_file_is_made_anew(tmp_path: Path) -> None:
    path = ensure_demo_checkpoint(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    assert ensure_demo_checkpoint(tmp_path).read_bytes() == whole


def test_two_processes_at_once_leave_one_good_file(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from qa_audit.speech import demo_model; "
        "print(demo_model.ensure_demo_checkpoint(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = {process.communicate(timeout=60)[0].strip() for process in running}
    assert [process.returncode for process in running] == [0, 0]
    assert len(told) == 1
    path = Path(told.pop())
    assert hashlib.sha256(path.read_bytes()).hexdigest() == path.with_suffix(".sha256").read_text().strip()
    assert not list(tmp_path.glob(".*.tmp"))


def test_a_damaged_or_missing_package_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Permanent, match="missing"):
        ensure_demo_checkpoint(tmp_path, tmp_path / "none.pt")
    damaged = tmp_path / "demo-model.pt"
    damaged.write_bytes(COMPACT.read_bytes()[:5000])
    damaged.with_suffix(".json").write_bytes(COMPACT.with_suffix(".json").read_bytes())
    with pytest.raises(Permanent, match="damaged"):
        ensure_demo_checkpoint(tmp_path / "cache", damaged)


def test_nothing_heavy_is_imported_with_the_package() -> None:
    code = (
        "import sys, qa_audit.speech.models, qa_audit.speech.openai_whisper, qa_audit.speech.scripted; "
        "print([m for m in ('torch', 'whisper', 'numpy') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == "[]"
