"""Choose device, number format and threads for torch by what the machine is good at."""

from __future__ import annotations

import json
import os
import platform
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from qa_audit.errors import Permanent
from qa_audit.speech.recogniser import SpeechOptions

if TYPE_CHECKING:
    import torch
    from whisper.model import Whisper

WORTH_IT = 1.3
"""Half precision costs some accuracy: it is used where matrix products run at least so many times faster."""

RECORD = "precision.json"
_FORMATS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Machine:
    """What was chosen: `device` is torch's name, `precision` the format of the weights."""

    device: str
    precision: str
    threads: int

    @property
    def about(self) -> str:
        """Return it in words, such as `cpu bfloat16, 2 threads`."""
        threads = f", {self.threads} threads" if self.device == "cpu" else ""
        return f"{self.device} {self.precision}{threads}"


def choose(options: SpeechOptions, cache_dir: Path) -> Machine:
    """Return device, format and threads: CUDA with float16, bfloat16 where the processor has it, else float32.

    Raises Permanent("model_unavailable") for a device or a format that is not there.
    """
    import torch

    device = options.device
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cuda" and not torch.cuda.is_available():
        raise Permanent(
            "model_unavailable",
            "QA_AUDIT_SPEECH_DEVICE is cuda, but torch finds no GPU. Set it to auto or cpu.",
        )
    precision = options.precision
    if precision == "auto":
        precision = "float16" if device == "cuda" else cpu_precision(cache_dir)
    if precision not in _FORMATS or (device == "cpu" and precision == "float16"):
        raise Permanent(
            "model_unavailable",
            f"QA_AUDIT_SPEECH_PRECISION: the openai-whisper engine has no {precision} on {device}. "
            "Set it to auto, float32 or bfloat16; int8 needs the faster-whisper engine.",
        )
    return Machine(device, precision, options.threads or len(os.sched_getaffinity(0)))


def cpu_precision(cache_dir: Path) -> str:
    """Return `bfloat16` where the processor multiplies it faster; measured once and kept in `cache_dir`."""
    import torch

    if not has_bfloat16():
        return "float32"
    machine = f"{processor()}, torch {torch.__version__}"
    record = cache_dir / RECORD
    with suppress(OSError, ValueError, KeyError, TypeError):
        kept = json.loads(record.read_text(encoding="utf8"))
        if kept["machine"] == machine:
            return "bfloat16" if kept["gain"] >= WORTH_IT else "float32"
    gain = bfloat16_gain()
    with suppress(OSError):  # a folder that cannot be written only means measuring again
        cache_dir.mkdir(parents=True, exist_ok=True)
        temporary = record.with_name(f".{RECORD}.{os.getpid()}.tmp")
        temporary.write_text(json.dumps({"machine": machine, "gain": round(gain, 2)}), encoding="utf8")
        temporary.replace(record)
    return "bfloat16" if gain >= WORTH_IT else "float32"


def has_bfloat16() -> bool:
    """Tell whether the processor has instructions for products of bfloat16 numbers."""
    import torch

    return any(
        bool(getattr(torch.cpu, name, bool)())
        for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported", "_is_arm_bf16_supported")
    )


def bfloat16_gain() -> float:
    """Measure how many times faster a product of whisper's usual size runs in bfloat16 than in float32."""
    import torch

    best: dict[torch.dtype, float] = {}
    with torch.inference_mode():
        for dtype in (torch.float32, torch.bfloat16):
            sound, weights = torch.ones(1500, 512, dtype=dtype), torch.ones(2048, 512, dtype=dtype)
            for _ in range(6):
                began = time.perf_counter()
                torch.nn.functional.linear(sound, weights)
                best[dtype] = min(best.get(dtype, 60.0), time.perf_counter() - began)
    return best[torch.float32] / best[torch.bfloat16]


def processor() -> str:
    """Return the processor's name and the instructions that matter here."""
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text(encoding="utf8").splitlines()
        facts = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        flags = facts.get("flags", facts.get("Features", "")).split()
        wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "bf16")
        found = [name for name in wanted if name in flags]
        return f"{facts.get('model name', platform.machine())} ({' '.join(found)})"
    return platform.processor() or platform.machine()


def convert(model: Whisper, precision: str) -> Whisper:
    """Turn the model's weights into another format, in place; layer norms stay float32, as whisper needs them."""
    import torch

    model.to(getattr(torch, precision))
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.float()
    return model
