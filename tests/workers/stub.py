"""A worker for tests of the supervisor: says what it is told to on its pipe, and ends or stays.

`python -m tests.workers.stub` reads the plan from the file that the variable STUB names, and adds a line to
the file beside it each time it is started.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    """Do what the plan says."""
    path = Path(os.environ["STUB"])
    plan = json.loads(path.read_text())
    with path.with_suffix(".starts").open("a") as file:
        file.write(f"{os.getpid()}\n")
    pipe = int(sys.argv[sys.argv.index("--pipe") + 1])
    if plan.get("child"):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        path.with_suffix(".child").write_text(str(child.pid))
    if plan.get("deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    said = {"at": time.monotonic(), "task": None, "token": None, "deadline": None, "ended": 0}
    os.write(pipe, json.dumps(said | plan.get("said", {})).encode() + b"\n")
    time.sleep(plan.get("seconds", 0.0))
    os._exit(plan.get("code", 0))


if __name__ == "__main__":
    main()
