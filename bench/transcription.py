"""Measure what transcribing costs: our engines beside the whisper package and faster-whisper, on equal weights.

Example: python -m bench.transcription --size base --minutes 4 --rounds 5
Sizes are whisper's own with random weights; every peer follows one rule (see `bench.peers`), in a process of its
own, in turn. Prints tables and writes them with the machine's description to bench/results/.
Parts: `peers` (the comparison), `lengths` (cost against call length), `stages` (where our time goes), `across`
(short calls heard along with each other).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
RATE = 16_000
SPEECH_SHARE = 0.4
LENGTHS = (1, 4, 16, 64)
WAITING = 16
"""Short calls of a minute that wait in the part `across`."""

SIZES: dict[str, tuple[int, int, int, int, int, int]] = {
    "tiny": (80, 384, 6, 4, 4, 51865),
    "base": (80, 512, 8, 6, 6, 51865),
    "small": (80, 768, 12, 12, 12, 51865),
    "turbo": (128, 1280, 20, 32, 4, 51866),
}
"""Mel bands, width, heads, encoder and decoder layers, tokens (whisper's published models)."""


def make_checkpoint(size: str, folder: Path) -> Path:
    """Write a checkpoint of a true size with random weights, once."""
    path = folder / f"{size}.pt"
    if path.exists():
        return path
    import torch
    from whisper.model import ModelDimensions, Whisper

    mels, width, heads, encoder, decoder, tokens = SIZES[size]
    torch.manual_seed(7)
    dims = ModelDimensions(mels, 1500, width, heads, encoder, tokens, 448, width, heads, decoder)
    model = Whisper(dims)
    torch.nn.init.normal_(model.decoder.positional_embedding, std=0.02)
    torch.nn.init.normal_(model.decoder.token_embedding.weight, std=0.02)
    state = {name: value.half() for name, value in model.state_dict().items()}
    torch.save({"dims": dims.__dict__, "model_state_dict": state}, path)
    return path


def make_call(minutes: float) -> tuple[list[np.ndarray], list[list[tuple[float, float]]]]:
    """Make a two-channel call of bundled turns, 40 % of each channel speech, and find its spans."""
    from bench.wer import bundled
    from qa_audit.media.vad import SpeechDetector

    detector = SpeechDetector(1)
    turns: dict[str, list[np.ndarray]] = {"agent": [], "customer": []}
    for channel in bundled():
        for start, end in detector.spans([channel.samples]):
            turns[channel.speaker].append(channel.samples[int(start * RATE) : int(end * RATE)])
    made = []
    for speaker in ("agent", "customer"):
        sound = np.zeros(int(minutes * 60 * RATE), np.float32)
        random = np.random.default_rng(len(speaker))
        at, number = 0, 0
        while at < len(sound):
            turn = turns[speaker][number % len(turns[speaker])][: len(sound) - at]
            sound[at : at + len(turn)] = turn
            pause = len(turn) * (1 / SPEECH_SHARE - 1) * random.uniform(0.6, 1.4)
            at, number = at + len(turn) + int(pause), number + 1
        made.append(sound)
    return made, [list(detector.spans([sound])) for sound in made]


def run_child(request: dict[str, Any]) -> dict[str, Any]:
    """Run one peer in a new process and return what it measured.

    Threads that wait sleep, in all peers: what they would spin away depends on what else the machine does.
    """
    done = subprocess.run(
        [sys.executable, "-m", "bench.transcription", "--child", json.dumps(request)],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{request['peer']}: {done.stderr.strip().splitlines()[-1:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def child_across(request: dict[str, Any]) -> None:
    """Measure short calls that wait."""
    from bench import across

    print(json.dumps({**across.run(request), "peak_mb": _peak_mb()}))


def child(request: dict[str, Any]) -> None:
    """Prepare a peer, let it run once to warm up on a short call if asked, then measure one run."""
    from bench.peers import PEERS, Job

    call = np.load(request["call"], allow_pickle=True)
    channels = [call["left"], call["right"]]
    spans = json.loads(str(call["spans"]))
    job = Job(
        Path(request["checkpoint"]), Path(request["cache"]), channels, spans, request["threads"],
        request.get("options", {}),
    )  # fmt: skip
    run = PEERS[request["peer"]](job)
    stages = _Stages() if request.get("stages") else None
    before, began = _processor_seconds(), time.perf_counter()
    windows = run()
    found = {
        "cpu_seconds": round(_processor_seconds() - before, 2),
        "seconds": round(time.perf_counter() - began, 2),
        "windows": windows,
        "peak_mb": _peak_mb(),
    }
    if stages:
        found["stages"] = stages.seconds
    print(json.dumps(found))


class _Stages:
    """Add up the processor seconds that our openai-whisper engine spends in each stage."""

    def __init__(self) -> None:
        from qa_audit.speech import alignment, decoding, encoded, openai_whisper

        self.seconds: dict[str, float] = {}
        self._watch(openai_whisper.OpenAIRecogniser, "_mel", "features")
        self._watch(encoded, "features", "encoder")
        self._watch(encoded, "_keys_and_values", "keys and values of the sound")
        self._watch(decoding, "decode", "decoder")
        self._watch(alignment, "align", "alignment")

    def _watch(self, owner: Any, name: str, stage: str) -> None:
        real = getattr(owner, name)

        def watched(*arguments: Any, **named: Any) -> Any:
            before = _processor_seconds()
            try:
                return real(*arguments, **named)
            finally:
                spent = _processor_seconds() - before
                self.seconds[stage] = round(self.seconds.get(stage, 0.0) + spent, 3)

        setattr(owner, name, watched)


def compare(
    size: str, minutes: float, rounds: int, peers: list[str], folder: Path, threads: int
) -> dict[str, Any]:
    """Run all peers in turn, `rounds` times; returns each one's runs."""
    request = _request(size, minutes, folder, threads)
    runs: dict[str, list[dict[str, Any]]] = {peer: [] for peer in peers}
    for peer in peers:
        if not peer.startswith("whisper"):
            run_child({**request, "peer": peer})  # converts the checkpoint, measures the machine
    for number in range(rounds):
        for peer in peers:
            runs[peer].append(run_child({**request, "peer": peer}))
            print(f"round {number + 1}: {peer}: {runs[peer][-1]}", file=sys.stderr, flush=True)
    return {"size": size, "minutes": minutes, "speech_share": request["share"], "runs": runs}


def lengths(size: str, folder: Path, threads: int) -> list[dict[str, Any]]:
    """Measure our engines on calls of rising length."""
    found = []
    for minutes in LENGTHS:
        request = _request(size, minutes, folder, threads)
        for peer in ("ours, openai-whisper", "ours, CTranslate2"):
            found.append({"peer": peer, "minutes": minutes, **run_child({**request, "peer": peer})})
            print(found[-1], file=sys.stderr, flush=True)
    return found


def stages(size: str, minutes: float, folder: Path, threads: int) -> dict[str, Any]:
    """Measure where our openai-whisper engine spends its time, and decoding the file and finding speech."""
    from qa_audit.media.recordings import AvRecordings
    from qa_audit.media.vad import SpeechDetector

    request = _request(size, minutes, folder, threads)
    found = run_child({**request, "peer": "ours, openai-whisper", "stages": True})
    call = np.load(request["call"], allow_pickle=True)
    before = _processor_seconds()
    for side in ("left", "right"):
        SpeechDetector(1).spans([call[side]])
    spans = _processor_seconds() - before
    recording = folder / "call.wav"
    _write_stereo(recording, call["left"], call["right"])
    recordings = AvRecordings(folder / "decode")
    before = _processor_seconds() + _processor_seconds(resource.RUSAGE_CHILDREN)
    recordings.samples(recording)
    decoding = _processor_seconds() + _processor_seconds(resource.RUSAGE_CHILDREN) - before
    before_words = {"decode the file": round(decoding, 2), "spans": round(spans, 2)}
    spent = {**before_words, **found["stages"]}
    return {"size": size, "minutes": minutes, "processor_seconds": spent, "whole_run": found}


def short_calls(size: str, rounds: int, folder: Path, threads: int) -> dict[str, Any]:
    """Measure our engines on short calls that wait, each heard alone and along with others, in turn."""
    from bench.across import ENGINES

    request = _request(size, 1, folder, threads)
    call, recording = np.load(request["call"], allow_pickle=True), folder / "call-1.wav"
    _write_stereo(recording, call["left"], call["right"])
    request |= {"recording": str(recording), "calls": WAITING}
    runs: dict[str, dict[str, list[dict[str, Any]]]] = {peer: {"alone": [], "along": []} for peer in ENGINES}
    for number in range(rounds):
        for peer, of_peer in runs.items():
            for way, found in of_peer.items():
                found.append(run_child({**request, "peer": peer, "along": way == "along"}))
                print(f"round {number + 1}: {peer}, {way}: {found[-1]}", file=sys.stderr, flush=True)
    gains = {
        peer: {
            part: _ratio([a[part] / b[part] for a, b in zip(found["alone"], found["along"], strict=True)])
            for part in ("cpu_seconds", "transcribing")
        }
        for peer, found in runs.items()
    }
    return {"size": size, "calls": WAITING, "minutes": 1, "runs": runs, "gains": gains}


def _write_stereo(path: Path, left: np.ndarray, right: np.ndarray) -> None:
    """Write a call as a stereo WAV file of 8 kHz, as recorders do."""
    both = (np.stack([left, right], axis=1)[::2].clip(-1, 1) * 32_767).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(RATE // 2)
        out.writeframes(both.tobytes())


def summary(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return for each peer medians, and its gain over the others as median and spread of the rounds."""
    runs = found["runs"]
    sound = found["minutes"] * 60
    rows = {}
    for peer, measured in runs.items():
        rows[peer] = {
            "windows": measured[0]["windows"],
            "call_seconds_per_cpu_second": round(
                sound / statistics.median(r["cpu_seconds"] for r in measured), 2
            ),
            "call_seconds_per_second": round(sound / statistics.median(r["seconds"] for r in measured), 2),
            "peak_mb": round(statistics.median(r["peak_mb"] for r in measured)),
            "gain_over": {
                other: _ratio(
                    [a["cpu_seconds"] / b["cpu_seconds"] for a, b in zip(runs[other], measured, strict=True)]
                )
                for other in runs
                if peer.startswith("ours") and not other.startswith("ours")
            },
        }
    return rows


def _ratio(values: list[float]) -> dict[str, float]:
    return {
        "median": round(statistics.median(values), 2),
        "from": round(min(values), 2),
        "to": round(max(values), 2),
    }


def table(found: dict[str, Any]) -> str:
    """Lay a comparison out as text."""
    head = (
        f"{found['size']}, {found['minutes']:g} minutes, {found['speech_share']:.0%} of each channel speech"
    )
    lines = [head, f"{'':<26}{'windows':>8}{'call s per CPU s':>18}{'call s per s':>14}{'peak MB':>9}"]
    rows = summary(found)
    for peer, row in rows.items():
        lines.append(
            f"{peer:<26}{row['windows']:>8}{row['call_seconds_per_cpu_second']:>18}"
            f"{row['call_seconds_per_second']:>14}{row['peak_mb']:>9}"
        )
    for peer, row in rows.items():
        for other, gain in row["gain_over"].items():
            lines.append(f"  {peer} against {other}: {gain['median']} ({gain['from']} to {gain['to']}) times")
    return "\n".join(lines)


def machine(threads: int) -> dict[str, Any]:
    """Describe the machine, so that figures can be compared."""
    import torch

    from qa_audit.speech.precision import bfloat16_gain, has_bfloat16, processor

    torch.set_num_threads(threads)
    has = has_bfloat16()
    return {
        "processor": processor(), "cores": os.cpu_count(), "threads": threads, "torch": torch.__version__,
        "bfloat16": has, "bfloat16_gain": round(bfloat16_gain(), 2) if has else None,
    }  # fmt: skip


def _request(size: str, minutes: float, folder: Path, threads: int) -> dict[str, Any]:
    call = folder / f"call-{minutes:g}.npz"
    if not call.exists():
        sounds, spans = make_call(minutes)
        np.savez(call, left=sounds[0], right=sounds[1], spans=json.dumps(spans))
    spans = json.loads(str(np.load(call)["spans"]))
    share = sum(b - a for channel in spans for a, b in channel) / (2 * minutes * 60)
    checkpoint = make_checkpoint(size, folder)
    return {
        "checkpoint": str(checkpoint), "cache": str(folder / "cache"), "call": str(call), "threads": threads,
        "share": round(share, 3),
    }  # fmt: skip


def _peak_mb() -> int:
    """Return the most memory this process held; `ru_maxrss` would count the process that started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024)


def _processor_seconds(who: int = resource.RUSAGE_SELF) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def main() -> int:
    """Measure the part asked for and report."""
    from bench.peers import PEERS

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", nargs="?", default="peers", choices=["peers", "lengths", "stages", "across"])
    parser.add_argument("--size", default="base", choices=SIZES)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument(
        "--work", type=Path, help="folder for checkpoints and calls (default: a temporary one)"
    )
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        request = json.loads(options.child)
        (child_across if "along" in request else child)(request)
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.work or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        found: dict[str, Any] = {"machine": machine(options.threads)}
        if options.part == "peers":
            compared = compare(
                options.size, options.minutes, options.rounds, options.peers, folder, options.threads
            )
            found |= {**compared, "summary": summary(compared)}
            print(table(compared))
        elif options.part == "lengths":
            found["lengths"] = lengths(options.size, folder, options.threads)
        elif options.part == "across":
            found |= short_calls(options.size, options.rounds, folder, options.threads)
            print(json.dumps(found["gains"], indent=1))
        else:
            found |= stages(options.size, options.minutes, folder, options.threads)
            print(json.dumps(found["processor_seconds"], indent=1))
    RESULTS.mkdir(exist_ok=True)
    length = "" if options.part in ("lengths", "across") else f"-{options.minutes:g}min"
    out = RESULTS / f"transcription-{options.part}-{options.size}{length}.json"
    out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
