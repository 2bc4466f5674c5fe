"""Read the scripts of the bundled calls: who says what, after which silence, over whose words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

SCRIPT = Path(__file__).with_name("demo_script.txt")
YEAR = 2026


@dataclass(frozen=True)
class Line:
    """Hold one scripted turn: who, what, silence before it, seconds it starts before the other's end."""

    speaker: str
    text: str
    silence: float = 0.0
    over: float = 0.0


@dataclass(frozen=True)
class Script:
    """Hold one call of the script file."""

    number: int
    vendor: str
    agent: str
    started: datetime
    title: str
    survey: int
    lines: tuple[Line, ...]


def read_lines(text: str) -> tuple[Line, ...]:
    """Read turns and directions of one call."""
    found: list[Line] = []
    silence = 0.0
    for raw in text.splitlines():
        if match := re.match(r"\[(\d+) s silence\]", raw):
            silence = float(match.group(1))
        elif match := re.match(r"([AC]): (?:\[over the caller, (\d+) s\] )?(.+)", raw):
            speaker = "agent" if match.group(1) == "A" else "customer"
            found.append(Line(speaker, match.group(3), silence, float(match.group(2) or 0)))
            silence = 0.0
    return tuple(found)


def read_scripts(path: Path = SCRIPT) -> list[Script]:
    """Read all calls of the script file."""
    scripts = []
    for block in re.split(r"(?m)^(?=# \d\d \|)", path.read_text(encoding="utf8")):
        if not block.strip():
            continue
        head = [part.strip() for part in block.splitlines()[0].lstrip("# ").split("|")]
        started = datetime.strptime(f"{head[3].split(' ', 1)[1]} {YEAR}", "%d %b %H:%M %Y")
        scripts.append(
            Script(
                int(head[0]),
                head[1].lower(),
                head[2],
                started,
                head[4],
                int(head[5].split()[1]),
                read_lines(block),
            )
        )
    return scripts
