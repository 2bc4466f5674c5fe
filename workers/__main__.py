"""`python -m workers`: run the workers of some queues until a signal comes."""

from __future__ import annotations

import sys

from workers.supervisor import main

if __name__ == "__main__":
    sys.exit(main())
