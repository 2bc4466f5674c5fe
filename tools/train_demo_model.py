"""Train the demo model: a small recogniser of whisper's architecture for the bundled calls.

Example: python -m tools.train_demo_model --work /tmp/demo-model --minutes 90
An interrupted run goes on with the same command and --resume. The plan is measured in minutes of
training, not in steps, so that it ends in time on any machine.
"""

from __future__ import annotations

import argparse
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.distributed
import torch.multiprocessing

from tools import sounds, speech_corpus, training_network, training_windows
from tools import speech_grammar as grammar
from tools import speech_voices as voices
from tools.demo_model_export import write_compact
from tools.training_windows import Shape, Store, Vocabulary

SHORT = Shape(frames=300, batch=28, fill=(2.5, 6.0), prompt=0.05)
MIDDLE = Shape(frames=550, batch=14, fill=(5.0, 11.0), prompt=0.05, long_pauses=0.08)
FULL = Shape(
    frames=1500,
    batch=6,
    fill=(1.0, 30.0),
    long_pauses=0.12,
    silent=0.03,
    cut=0.05,
    timestamps=0.3,
    prompt=0.15,
    shift=False,
)
PACKED = replace(FULL, fill=(18.0, 28.5), long_pauses=0.03)
BRIEF = replace(FULL, fill=(0.6, 6.0), timestamps=0.1, prompt=0.05)
TURN = replace(FULL, fill=(4.0, 15.0), long_pauses=0.05, timestamps=0.15, prompt=0.05)
MIDDLE_TIMED = replace(MIDDLE, timestamps=0.15, prompt=0.1)


def plan(progress: float, rng: np.random.Generator) -> Shape:
    """Choose the kind of window: short ones first, long ones once the words are known."""
    if progress < 0.45:
        shapes, shares = [SHORT, MIDDLE, BRIEF], [0.70, 0.25, 0.05]
    elif progress < 0.85:
        shapes = [SHORT, MIDDLE_TIMED, BRIEF, TURN, FULL, PACKED]
        shares = [0.30, 0.33, 0.08, 0.18, 0.05, 0.06]
    else:
        shapes = [SHORT, MIDDLE_TIMED, BRIEF, TURN, FULL, PACKED]
        shares = [0.14, 0.20, 0.20, 0.26, 0.10, 0.10]
    return shapes[int(rng.choice(len(shapes), p=shares))]


def learning_rate(progress: float, peak: float) -> float:
    """Warm up over the first 2 % of the time, then fall along a cosine to a hundredth."""
    if progress < 0.02:
        return peak * (0.05 + progress / 0.02 * 0.95)
    return float(peak * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * min((progress - 0.02) / 0.98, 1.0)))))


SPEECH_LEVEL = -20.0
"""The level of the corpus' speech in dBFS."""
MUSIC_SEED = 1000
"""Where the seeds of the music heard in training begin: benchmarks use smaller ones."""
WATCHED_MUSIC_SEED = 500
"""Where the seeds of the music begin over which the training is watched."""
LOUDER_OR_SOFTER = 6.0
"""How many dB the sound under a window is turned up or down at most, anew for each window."""


def noise_bank(count: int, music: int = 0, seed: int = 3) -> np.ndarray:
    """Make 30 s stretches of log mel sound to lie under speech: noises and music, and four of stillness.

    `count` are noises in several colours, from 25 to 65 dB below speech, `music` music on hold, from 12 to 24 dB.
    """
    rng = np.random.default_rng(seed)
    bank = []
    for number in range(count):
        white = rng.standard_normal(30 * voices.SAMPLE_RATE).astype(np.float32)
        spectrum = np.fft.rfft(white)
        hertz = np.fft.rfftfreq(len(white), 1 / voices.SAMPLE_RATE)
        if number % 3:
            spectrum *= 1 / np.sqrt(np.maximum(hertz, 60.0) / 60.0)
        if number % 2:
            spectrum *= (hertz > 280) & (hertz < 3500)
        sound = np.fft.irfft(spectrum, len(white)).astype(np.float32)
        sound *= 10 ** (-rng.uniform(45, 85) / 20) / np.sqrt(np.mean(sound**2))
        bank.append(speech_corpus.log_mel(sound).astype(np.float16))
    bank.extend(music_bank(rng.uniform(12, 24, music), MUSIC_SEED))
    silence = np.full_like(bank[0], speech_corpus.FLOOR)
    return np.stack([*bank, silence, silence, silence, silence])


def music_bank(below: np.ndarray, seed: int) -> list[np.ndarray]:
    """Make a 30 s stretch of log mel music for each level, in dB below speech; the kinds take turns."""
    kinds = [kind for kind in sounds.KINDS if kind.startswith("music-")]
    return [
        speech_corpus.log_mel(
            sounds.make(kinds[number % len(kinds)], 30.0, SPEECH_LEVEL - decibels, seed=seed + number)
        ).astype(np.float16)
        for number, decibels in enumerate(below)
    ]


@dataclass
class State:
    """Hold everything a checkpoint needs."""

    model: torch.nn.Module
    helpers: torch.nn.Module
    optimizer: torch.optim.Optimizer
    average: dict[str, torch.Tensor]
    step: int = 0
    seconds: float = 0.0
    best: float = 9.9

    def save(self, path: Path) -> None:
        """Write the whole state to `path` in one move."""
        temporary = path.with_suffix(".tmp")
        torch.save(
            {
                "model": self.model.state_dict(), "helpers": self.helpers.state_dict(),
                "optimizer": self.optimizer.state_dict(), "average": self.average,
                "step": self.step, "seconds": self.seconds, "best": self.best,
            },
            temporary,
        )  # fmt: skip
        temporary.replace(path)

    def restore(self, path: Path) -> None:
        """Read a state written by `save`."""
        saved = torch.load(path, weights_only=True)
        self.model.load_state_dict(saved["model"])
        self.helpers.load_state_dict(saved["helpers"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.average = saved["average"]
        self.step, self.seconds, self.best = saved["step"], saved["seconds"], saved["best"]


def feed(
    store: list[Store], vocab: Vocabulary, noises: int, progress: list[float], seed: int, corruption: float,
    workers: int = 1, rank: int = 0,
) -> Iterator[dict[str, np.ndarray]]:  # fmt: skip
    """Yield batches made ahead by a thread; `store[0]` and `progress[0]` may change while it runs.

    All workers draw the same kinds of window in the same order, so that none waits long for another.
    """
    ready: queue.Queue[dict[str, np.ndarray]] = queue.Queue(maxsize=3)

    def work() -> None:
        kinds = np.random.default_rng(seed)
        rng = np.random.default_rng([seed, rank])
        while True:
            shape = plan(progress[0], kinds)
            shape = replace(shape, batch=max(shape.batch // workers, 1))
            ready.put(training_windows.batch(store[0], shape, vocab, noises, corruption, rng))

    threading.Thread(target=work, daemon=True).start()
    while True:
        yield ready.get()


def share_gradients(model: torch.nn.Module, helpers: torch.nn.Module, workers: int) -> None:
    """Average the gradients of all workers, in one message."""
    if workers == 1:
        return
    grads = [p.grad for p in [*model.parameters(), *helpers.parameters()] if p.grad is not None]
    flat = torch.cat([g.flatten() for g in grads])
    torch.distributed.all_reduce(flat)
    flat /= workers
    at = 0
    for grad in grads:
        grad.copy_(flat[at : at + grad.numel()].view_as(grad))
        at += grad.numel()


def agree(value: float, workers: int) -> float:
    """Take the first worker's value everywhere."""
    if workers == 1:
        return value
    shared = torch.tensor([value], dtype=torch.float64)
    torch.distributed.broadcast(shared, 0)
    return float(shared)


def train_step(
    state: State,
    arrays: dict[str, np.ndarray],
    noise: torch.Tensor,
    rate: float,
    progress: float,
    workers: int = 1,
) -> dict[str, float]:
    """Do one step of AdamW; returns the losses."""
    batch = {key: torch.from_numpy(value) for key, value in arrays.items()}
    frames = batch["mel"].shape[1]
    start = int(torch.randint(0, noise.shape[1] - frames + 1, ()))
    turned = (torch.rand(len(batch["mel"]), 1, 1) * 2 - 1) * LOUDER_OR_SOFTER / 10
    hiss = noise[batch["noise"], start : start + frames].float() + turned
    mel = training_network.normalise(batch["mel"], hiss, augment=True)
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    with torch.autocast("cpu", torch.bfloat16):
        parts = training_network.losses(state.model, state.helpers, batch, mel)
    weight = 1.0 if progress < 0.4 else 0.4
    total = parts["text"] + 0.5 * weight * parts["attention"] + weight * (parts["phonemes"] + parts["words"])
    state.optimizer.zero_grad(set_to_none=True)
    total.backward()
    share_gradients(state.model, state.helpers, workers)
    torch.nn.utils.clip_grad_norm_(state.model.parameters(), 1.0)
    state.optimizer.step()
    training_network.hold_constant(state.model)
    decay = min(0.998, (state.step + 1) / (state.step + 20))
    with torch.no_grad():
        for name, value in state.model.state_dict().items():
            if value.dtype.is_floating_point:
                state.average[name].lerp_(value, 1 - decay)
    return {name: float(value.detach()) for name, value in parts.items()}


def held_out_clips(folder: Path, count: int, seed: int) -> list[speech_corpus.Clip]:
    """Speak reserved sentences in the demo's voices, for watching the training."""
    import pickle

    path = folder / f"held-out-{seed}-{count}.pkl"
    if path.exists():
        return speech_corpus.load([path])
    rng = np.random.default_rng(seed)
    clips = []
    for _ in range(count):
        sentence = grammar.draw_allowed(rng, speech_corpus.excluded(), held_out=True)
        clip, sound = speech_corpus.make_clip(sentence, int(rng.integers(len(voices.PEOPLE))), rng, 0.0)
        clip.mel = speech_corpus.log_mel(sound).astype(np.float16)
        clips.append(clip)
    path.write_bytes(pickle.dumps(clips, protocol=5))
    return clips


def watch(
    model: torch.nn.Module, store: Store, vocab: Vocabulary, shape: Shape, below: float | None = None,
    seed: int = 11,
) -> float:  # fmt: skip
    """Give the word error rate of greedy decoding on windows of held-out sentences.

    With `below`, music lies under them, so many dB below the speech.
    """
    import jiwer

    rng = np.random.default_rng(seed)
    quiet = replace(shape, shift=False, timestamps=0.0, prompt=0.0, silent=0.0, cut=0.0)
    arrays = training_windows.batch(store, quiet, vocab, 1, 0.0, rng)
    music = None
    if below is not None:
        bank = np.stack(music_bank(np.full(shape.batch, below), WATCHED_MUSIC_SEED))
        music = torch.from_numpy(bank[:, : arrays["mel"].shape[1]]).float()
    mel = training_network.normalise(torch.from_numpy(arrays["mel"]), music, augment=False)
    with torch.autocast("cpu", torch.bfloat16):
        rows = training_network.greedy(model, mel, [vocab.sot, vocab.no_timestamps], vocab.eot)
    truth = [spell([int(t) for t in row if t >= 0], vocab) for row in arrays["targets"]]
    return float(jiwer.wer(truth, [spell(row, vocab) for row in rows]))


def spell(row: list[int], vocab: Vocabulary) -> str:
    """Write out the text tokens of a row."""
    return grammar.normal(speech_corpus.tokenizer().decode([vocab.ids[t] for t in row if t < vocab.eot]))


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for corpus, checkpoints and log")
    parser.add_argument(
        "--minutes", type=float, default=90.0, help="training time in all, without the corpus"
    )
    parser.add_argument("--clips", type=int, default=20_000, help="sentences in the corpus")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--width", type=int, default=144)
    parser.add_argument("--music", type=int, default=100, help="stretches of music to lie under some windows")
    parser.add_argument("--threads", type=int, default=1, help="threads of each worker")
    parser.add_argument("--workers", type=int, default=2, help="processes that share each batch")
    parser.add_argument("--peak", type=float, default=2.0e-3, help="highest learning rate")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint in --work")
    parser.add_argument(
        "--existing", action="store_true", help="use the corpus parts there are; look for new ones"
    )
    parser.add_argument("--out", type=Path, default=Path("qa_audit/demo/model/demo-model.pt"))
    return parser.parse_args(arguments)


def corpus(options: argparse.Namespace) -> list[Path]:
    """Build the corpus, or list the parts that another process has made so far."""
    folder = options.work / "corpus"
    if options.existing:
        return sorted(folder.glob(f"part-{options.seed}-*.pkl"))
    return speech_corpus.build(folder, options.clips, options.seed)


def main(arguments: list[str] | None = None) -> int:
    """Train, watch, and export."""
    options = parse(sys.argv[1:] if arguments is None else arguments)
    options.command = (
        f"python -m tools.train_demo_model --work WORK --minutes {options.minutes:g} --clips {options.clips} "
        f"--seed {options.seed} --width {options.width} --workers {options.workers} --peak {options.peak:g} "
        f"--music {options.music}"
    )
    corpus(options)
    held_out_clips(options.work, 240, options.seed + 77)
    if options.workers == 1:
        work(0, options)
    else:
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        os.environ.setdefault("MASTER_PORT", "29517")
        torch.multiprocessing.spawn(work, args=(options,), nprocs=options.workers)
    return 0


def work(rank: int, options: argparse.Namespace) -> None:
    """Train as one of the workers; the first one measures, saves and exports."""
    if options.workers > 1:
        torch.distributed.init_process_group("gloo", rank=rank, world_size=options.workers)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    parts = corpus(options)
    clips = speech_corpus.load(parts)
    phonemes_path = options.work / "phonemes.txt"
    if not phonemes_path.exists():
        phonemes_path.write_text("\n".join(training_windows.phoneme_table(clips)), encoding="utf8")
    table = {name: i + 1 for i, name in enumerate(phonemes_path.read_text(encoding="utf8").split("\n"))}
    vocab = training_windows.vocabulary()
    store = [Store(clips, table)]
    watched = Store(held_out_clips(options.work, 240, options.seed + 77), table)
    noise = torch.from_numpy(noise_bank(40, options.music))
    model = training_network.new_model(len(vocab.ids), options.width)
    helpers = training_network.Helpers(options.width, len(table) + 1, len(vocab.text) + 1)
    optimizer = torch.optim.AdamW(
        [*model.parameters(), *helpers.parameters()],
        lr=1e-3,
        betas=(0.9, 0.98),
        weight_decay=0.01,
        fused=True,
    )
    average = {n: v.clone() for n, v in model.state_dict().items() if v.dtype.is_floating_point}
    state = State(model, helpers, optimizer, average)
    checkpoint = options.work / "state.pt"
    if options.resume and checkpoint.exists():
        state.restore(checkpoint)
    torch.manual_seed(options.seed * 1000 + rank)
    _loop(options, rank, state, store, watched, vocab, noise, len(parts), table)


def _loop(
    options: argparse.Namespace, rank: int, state: State, store: list[Store], watched: Store,
    vocab: Vocabulary, noise: torch.Tensor, seen: int, table: dict[str, int],
) -> None:  # fmt: skip
    progress = [state.seconds / (options.minutes * 60)]
    batches = feed(store, vocab, len(noise), progress, options.seed + state.step, 0.07, options.workers, rank)
    recent: dict[str, list[float]] = {}
    saved = time.monotonic()
    for arrays in batches:
        began = time.monotonic()
        rate = learning_rate(progress[0], options.peak)
        for name, value in train_step(state, arrays, noise, rate, progress[0], options.workers).items():
            recent.setdefault(name, []).append(value)
        state.step += 1
        state.seconds = agree(state.seconds + time.monotonic() - began, options.workers)
        progress[0] = state.seconds / (options.minutes * 60)
        if state.step % 50 == 0 and rank == 0:
            shown = " ".join(f"{name} {np.mean(values):.3f}" for name, values in recent.items())
            print(
                f"{time.strftime('%H:%M:%S')} step {state.step} {progress[0]:.1%} lr {rate:.5f} {shown}",
                flush=True,
            )
            recent = {}
        finished = progress[0] >= 1
        if finished or time.monotonic() - saved > 400:
            if rank == 0:
                _checkpoint(options, state, watched, vocab, progress[0])
            saved = time.monotonic()
            paths = corpus(options) if options.existing else []
            if len(paths) > seen:
                seen, store[0] = len(paths), Store(speech_corpus.load(paths), table)
        if finished:
            return


def _checkpoint(
    options: argparse.Namespace, state: State, watched: Store, vocab: Vocabulary, progress: float
) -> None:
    """Save the state, measure the averaged weights, and export them if they are the best so far."""
    state.save(options.work / "state.pt")
    now = {n: v.clone() for n, v in state.model.state_dict().items()}
    state.model.load_state_dict({**now, **state.average})
    short = watch(state.model, watched, vocab, replace(SHORT, batch=30))
    long = watch(state.model, watched, vocab, replace(TURN, batch=12))
    music = watch(state.model, watched, vocab, replace(SHORT, batch=30), below=10.0)
    figure = (short + long + music) / 3
    print(
        f"watched: WER short {short:.3f} long {long:.3f} over music {music:.3f} best {state.best:.3f}",
        flush=True,
    )
    if figure <= state.best:
        state.best = figure
        facts = {
            "command": options.command,
            "seed": options.seed,
            "steps": state.step,
            "progress": round(progress, 3),
        }
        write_compact(state.model, vocab, options.out, facts)
    state.model.load_state_dict(now)


if __name__ == "__main__":
    raise SystemExit(main())
