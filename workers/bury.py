"""End the lease of a worker that the supervisor buried: a process, so that the supervisor stays small.

`python -m workers.bury TASK TOKEN WEIGHT`
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from qa_audit.runtime import build_runtime
from qa_audit.services import tasks
from workers.startup import start


def main(argv: Sequence[str]) -> int:
    """End one lease; what this misses, the sweep finds when the lease has run out."""
    task_id, token, weight = argv
    tasks.bury(build_runtime(start()), int(task_id), token, int(weight))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
