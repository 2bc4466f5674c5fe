"""The alignment path is the one whisper's own code finds."""

from __future__ import annotations

import numpy as np
import pytest

from qa_audit.speech.dtw import dtw


def theirs(costs: np.ndarray) -> np.ndarray:
    """Follow whisper's recursion cell by cell (whisper/timing.py, `dtw_cpu`), as the reference."""
    rows, columns = costs.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    trace = np.full((rows + 1, columns + 1), -1)
    total[0, 0] = 0
    for j in range(1, columns + 1):
        for i in range(1, rows + 1):
            options = total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]
            kind = 2
            if options[0] < options[1] and options[0] < options[2]:
                kind = 0
            elif options[1] < options[0] and options[1] < options[2]:
                kind = 1
            total[i, j] = costs[i - 1, j - 1] + options[kind]
            trace[i, j] = kind
    trace[0, :], trace[:, 0] = 2, 1
    i, j, path = rows, columns, []
    while i > 0 or j > 0:
        path.append((i - 1, j - 1))
        move = trace[i, j]
        i, j = i - (move in (0, 1)), j - (move in (0, 2))
    return np.array(path[::-1]).T


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (5, 5), (9, 1), (6, 40), (23, 31)])
@pytest.mark.parametrize("ties", [False, True])
def test_the_path_is_whispers_own(shape: tuple[int, int], ties: bool) -> None:
    rng = np.random.default_rng(shape[0] * 100 + shape[1])
    costs = rng.integers(0, 2, shape).astype(float) if ties else rng.standard_normal(shape)
    assert np.array_equal(dtw(costs), theirs(costs))


def test_a_clear_path_is_followed() -> None:
    costs = np.ones((3, 9))
    for row in range(3):
        costs[row, row * 3 : row * 3 + 3] = -1.0
    rows, columns = dtw(costs)
    assert [int(columns[rows == row].min()) for row in range(3)] == [0, 3, 6]
