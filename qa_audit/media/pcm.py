"""Decoded channels on disk: 16-bit samples that are read piece by piece, so that none of them fills memory."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 16_000
FULL_SCALE = 32_767
_BLOCK = 1 << 17
_BYTES = 2


class PcmFile:
    """One channel as float32 in [-1, 1], read where it is sliced; stays readable when the file is unlinked."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._samples = os.fstat(self._file).st_size // _BYTES
        weakref.finalize(self, os.close, self._file)

    def __len__(self) -> int:
        """Return the number of samples."""
        return self._samples

    def __getitem__(self, part: slice) -> NDArray[np.float32]:
        """Read a stretch of consecutive samples; raises ValueError for a step."""
        import numpy as np

        start, stop, step = part.indices(self._samples)
        if step != 1:
            raise ValueError("Samples are read one after the other: a step other than 1 is not possible.")
        data = bytearray(max(0, stop - start) * _BYTES)
        done = 0
        while done < len(data):
            read = os.preadv(self._file, [memoryview(data)[done:]], start * _BYTES + done)
            if not read:
                raise OSError("The decoded sound on disk is shorter than it was.")
            done += read
        return np.frombuffer(data, np.int16).astype(np.float32) / np.float32(FULL_SCALE)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Yield all of it in consecutive pieces."""
        for start in range(0, self._samples, _BLOCK):
            yield self[start : start + _BLOCK]
