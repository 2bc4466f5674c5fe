"""Find the cheapest monotone path through a matrix: dynamic time warping, in numpy alone.

Whisper's own version is compiled by numba anew in every process, which costs 10 seconds and more before the
first word has a time. This one walks the same matrix diagonal by diagonal, and gives the same path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_DIAGONAL, _UP, _LEFT = 0, 1, 2


def dtw(costs: NDArray[numpy.float64]) -> NDArray[numpy.int64]:
    """Return the path as two rows, of row and of column numbers (like `whisper.timing.dtw_cpu`).

    `costs` has tokens as rows and frames as columns. Ties are broken as whisper does: only a step that is
    strictly cheapest is diagonal or up, else it is to the left.
    """
    import numpy as np

    rows, columns = costs.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    step = np.full((rows + 1, columns + 1), _LEFT, np.int8)
    step[1:, 0] = _UP
    for diagonal in range(2, rows + columns + 1):
        i = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        j = diagonal - i
        across, up, left = total[i - 1, j - 1], total[i - 1, j], total[i, j - 1]
        is_across = (across < up) & (across < left)
        is_up = ~is_across & (up < across) & (up < left)
        step[i, j] = np.where(is_across, _DIAGONAL, np.where(is_up, _UP, _LEFT))
        total[i, j] = costs[i - 1, j - 1] + np.where(is_across, across, np.where(is_up, up, left))
    return _walk_back(step)


def _walk_back(step: NDArray[numpy.int8]) -> NDArray[numpy.int64]:
    import numpy as np

    i, j = step.shape[0] - 1, step.shape[1] - 1
    path = []
    while i > 0 or j > 0:
        path.append((i - 1, j - 1))
        if i == 0:
            j -= 1
        elif j == 0 or step[i, j] == _UP:
            i -= 1
        elif step[i, j] == _DIAGONAL:
            i, j = i - 1, j - 1
        else:
            j -= 1
    return np.array(path[::-1], np.int64).reshape(-1, 2).T
