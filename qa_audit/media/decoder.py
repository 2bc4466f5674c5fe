"""The child process that opens untrusted bytes: `python -m qa_audit.media.decoder`, one request, one answer.

The request is one JSON object on standard input; answers are JSON lines on standard output: any number of
`{"progress": fraction}`, then one of `{"result": …}`, `{"refused": kind, "message": …}`,
`{"failure": name, "message": …}` or `{"trouble": name, "message": …}`. Sound is written to the files that the
request names. The parent is `qa_audit.media.child`.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from qa_audit.errors import Permanent, Refused
from qa_audit.media import formats
from qa_audit.media.confine import confine

if TYPE_CHECKING:
    from qa_audit.media.levels import Block

Request = dict[str, Any]
Answer = dict[str, Any]

RATE = 16_000
PROBE_SECONDS = 10.0
PROGRESS_STEP = 0.02


def main() -> None:
    """Read the request, give up rights, do the work, write the answer; never raise."""
    request: Request = json.load(sys.stdin)
    confine(**request["limits"])
    try:
        answer: Answer = {"result": OPERATIONS[request["operation"]](request)}
    except Refused as error:
        answer = {"refused": error.kind, "message": error.message}
    except Permanent as error:
        answer = {"failure": error.failure, "message": error.message}
    except MemoryError:
        answer = {"trouble": "memory", "message": ""}
    except Exception as error:
        answer = {
            "trouble": _TROUBLES.get(getattr(error, "errno", None), "crashed"),
            "message": _where(error),
        }
    _say(answer)


_TROUBLES: dict[int | None, str] = {
    errno.ENOSPC: "disk",
    errno.EDQUOT: "disk",
    errno.EFBIG: "output",
    errno.ENOMEM: "memory",
}


def probe(request: Request) -> Answer:
    """Decode the first ten seconds and say what the file is."""
    # Most of what is refused is refused here, before time goes into loading FFmpeg's libraries.
    formats.kinds_of(Path(request["path"]))
    from qa_audit.media.decode import Recording

    with Recording(Path(request["path"])) as recording:
        seconds = recording.look(PROBE_SECONDS)
        if not seconds:
            raise Refused("broken", "The file is broken: no sound in it can be decoded.")
        return {
            "container": recording.container,
            "codec": recording.codec,
            "sample_rate": recording.rate,
            "channels": recording.channels,
            "decoded_seconds": seconds,
        }


def decode(request: Request) -> Answer:
    """Write each channel's samples at 16 kHz, as 16-bit integers, to one of `targets`; say what it is like.

    The answer: see `qa_audit.media.judge.Facts`.
    """
    from qa_audit.media.cut import is_cut
    from qa_audit.media.decode import Recording
    from qa_audit.media.levels import LevelMeter
    from qa_audit.media.resample import resampled

    path = Path(request["path"])
    with ExitStack() as stack:
        recording = stack.enter_context(Recording(path))
        meter = LevelMeter(recording.channels, recording.rate)
        samples = 0
        seconds = [0.0]

        def look(rate: int, block: Block) -> None:
            meter.add(block)
            seconds[0] += block.shape[1] / rate

        blocks = resampled(
            recording, RATE, max_seconds=request["max_seconds"], on_block=look, progress=_progress()
        )
        files = [stack.enter_context(Path(target).open("wb")) for target in request["targets"]]
        for block in blocks:
            samples += block.shape[1]
            _write(files, block)
        with path.open("rb") as file:
            cut = is_cut(file, recording.container, recording.size)
        return {
            "channels": recording.channels,
            "sample_rate": recording.rate,
            "seconds": round(seconds[0], 6),
            "samples": samples,
            "good_seconds": recording.good,
            "bad_seconds": recording.bad,
            "ends_badly": recording.ends_badly,
            "claimed_seconds": recording.claimed_seconds,
            "cut": cut,
            "levels": asdict(meter.result()),
        }


def derive(request: Request) -> Answer:
    """Write the playback copy and the peaks to `copy` and `peaks`, either of which may be null."""
    from qa_audit.media import playback
    from qa_audit.media.decode import Recording

    with Recording(Path(request["path"])) as recording:
        seconds = playback.derive(
            recording,
            copy=Path(request["copy"]) if request["copy"] else None,
            peaks=Path(request["peaks"]) if request["peaks"] else None,
            silence=[(start, end) for start, end in request["silence"]],
            max_seconds=request["max_seconds"],
            progress=_progress(),
        )
        if not recording.good or not seconds:
            raise Permanent("undecodable", "No sound in the recording can be decoded.")
        return {"seconds": seconds}


OPERATIONS: dict[str, Callable[[Request], Answer]] = {"probe": probe, "decode": decode, "derive": derive}


def _write(files: Iterable[BinaryIO], block: Block) -> None:
    import numpy as np

    from qa_audit.media.pcm import FULL_SCALE

    sound = np.rint(block * FULL_SCALE).astype(np.int16)
    for file, channel in zip(files, sound, strict=False):
        file.write(channel.tobytes())


def _progress() -> Callable[[float], None]:
    told = [0.0]

    def tell(fraction: float) -> None:
        if fraction >= told[0] + PROGRESS_STEP:
            told[0] = fraction
            _say({"progress": round(fraction, 3)})

    return tell


def _say(answer: Answer) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _where(error: Exception) -> str:
    """Name the error's kind and line, never its text: that may quote the file."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return " ".join(
        [type(error).__name__, *(f"at {Path(frame.filename).name}:{frame.lineno}" for frame in last)]
    )


if __name__ == "__main__":
    main()
    # All is written and closed: taking the libraries apart again would only cost time, at every upload.
    os._exit(0)
