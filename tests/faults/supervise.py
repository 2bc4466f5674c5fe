"""A supervisor of workers with scripted ears: `python -m tests.faults.supervise`."""

from __future__ import annotations

import sys

from workers.supervisor import main

if __name__ == "__main__":
    sys.exit(main(worker="tests.faults.entry"))
