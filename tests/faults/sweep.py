"""A sweep whose burst of workers has scripted ears: `python -m tests.faults.sweep`."""

from __future__ import annotations

import sys

from workers.sweep import main

if __name__ == "__main__":
    sys.exit(main(supervisor="tests.faults.supervise"))
