"""Hold a changed rubric against stored audits: how long it takes, and how much memory it needs.

Example: python bench/backtest.py --audits 100000 --slice 1000
The audits are made up (20 criteria in 4 weighted sections, two scales, one fatal line, 8 vendors), in a SQLite file
that is thrown away. The peer reads the same audits through the ORM and scores them one by one under both texts; it
runs on a slice, checks that its results are the same, and is extrapolated to all. Memory is the peak of a process
of its own, for a quarter of the audits and for all. Seconds are by the clock; beside them stand the seconds of work
of the one processor that is used, which a busy machine does not stretch, and which the ratio is made from. Prints a
table and writes bench/results/backtest.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from sqlmodel import col, select

from qa_audit.config import Settings
from qa_audit.domain.access import SYSTEM
from qa_audit.domain.score import Answer as Standing
from qa_audit.domain.score import total
from qa_audit.runtime import Runtime
from qa_audit.services.backtesting import Backtest, backtest
from qa_audit.services.rubric_files import load_rubric
from qa_audit.storage import tables

OUT = Path(__file__).resolve().parent / "results" / "backtest.json"
VENDORS = 8
GOAL = 10.0
"""Seconds in which 100,000 audits are to be done."""

_LEVELS = (
    "[{value: 0, label: cold}, {value: 1, label: cool}, {value: 2, label: fine}, {value: 3, label: warm}]"
)
_TIMES = "{unit: times, most: 9, ranges: [{up_to: 1, percent: 100}, {up_to: 3, percent: 50}, {percent: 0}]}"
_AT = "2026-11-01 09:00:00.000000"


def rubric_text(version: int, points: int, weight: int, mark: int) -> str:
    """Return a rubric of 20 criteria; points of the first line, weight of the first section, and pass mark vary."""
    lines = [
        f"id: made\nversion: {version}\ntitle: Made\neffective_from: 2026-01-01\npass_mark: {mark}\nsections:"
    ]
    for section in range(4):
        lines.append(f"  - id: s{section}\n    title: Section\n    weight: {weight if not section else 25}")
        lines.append("    criteria:")
        for place in range(5):
            number = section * 5 + place
            more = f", scale: {_LEVELS}" if number == 7 else f", scale: {_TIMES}" if number == 12 else ""
            more += ", fatal: true" if number == 19 else ""
            worth = points if not number else 3 + number % 4
            lines.append(
                f"      - {{id: line-{number}, title: Line, points: {worth}{more}, check: {{kind: manual}}}}"
            )
    return "\n".join(lines) + "\n"


BEFORE, AFTER = rubric_text(1, 10, 25, 85), rubric_text(2, 5, 40, 90)


def fill(runtime: Runtime, audits: int) -> None:
    """Write made-up audits with their answers, as fast as SQLite takes them."""
    runtime.db.upgrade()
    dice = random.Random(1)
    chances = [dice.uniform(0.02, 0.12) for _ in range(20)]
    rubric = load_rubric(BEFORE)
    with runtime.db.write() as session:
        for number in range(VENDORS):
            session.add(tables.Vendor(slug=f"v{number}", name=f"V {number}", variables={"fatal_limit": 3}))
        session.add(
            tables.RubricVersion(
                rubric="made", version=1, title="Made", sha256=rubric.sha256, source=BEFORE,
                effective_from=rubric.effective_from,
            )
        )  # fmt: skip
        session.flush()
        raw = session.connection().connection.cursor()
        _insert(raw, tables.Call, _calls(audits))
        _insert(raw, tables.Audit, _audits(audits))
        _insert(raw, tables.Answer, _answers(dice, chances, audits))
        _insert(raw, tables.AuditScore, _scores(audits))


def _insert(cursor: Any, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows)
    names = ", ".join(f'"{name}"' for name in first)
    marks = ", ".join("?" * len(first))
    statement = f'INSERT INTO "{table.__tablename__}" ({names}) VALUES ({marks})'
    cursor.execute(statement, tuple(first.values()))
    cursor.executemany(statement, (tuple(row.values()) for row in rows))


def _calls(audits: int) -> Iterator[dict[str, Any]]:
    for key in range(1, audits + 1):
        yield {
            "id": key, "public_id": f"call-{key}", "vendor_id": key % VENDORS + 1, "custom": "{}",
            "is_demo": 0, "is_sample": 0, "status": "audited", "progress": 100, "warnings": "[]",
            "created_at": _AT, "updated_at": _AT,
        }  # fmt: skip


def _audits(audits: int) -> Iterator[dict[str, Any]]:
    for key in range(1, audits + 1):
        yield {
            "id": key, "public_id": f"audit-{key}", "call_id": key, "state": "submitted", "version": 1,
            "speakers": "{}", "started_at": _AT,
        }  # fmt: skip


def _answers(dice: random.Random, chances: list[float], audits: int) -> Iterator[dict[str, Any]]:
    for key in range(1, audits + 1):
        for place in dice.sample(range(20), 20):
            yield {
                "audit_id": key, "rubric_version_id": 1, "criterion": f"line-{place}",
                "answer": _drawn(dice, place, chances[place]), "origin": "human", "answered_at": _AT,
                "version": 1,
            }  # fmt: skip


def _drawn(dice: random.Random, place: int, chance: float) -> str:
    if place == 7:
        return dice.choices("0123", (2, 10, 40, 48))[0]
    if place == 12:
        return dice.choices("01234", (60, 20, 10, 5, 5))[0]
    if place % 6 == 5 and dice.random() < 0.4:
        return "na"
    return "no" if dice.random() < chance * (0.1 if place == 19 else 1) else "yes"


def _scores(audits: int) -> Iterator[dict[str, Any]]:
    for key in range(1, audits + 1):
        yield {
            "audit_id": key, "rubric_version_id": 1, "points": 0, "possible": 1, "outcome": "pass",
            "fatal": 0, "critical": 0,
        }  # fmt: skip


def through_orm(runtime: Runtime, audits: int) -> tuple[float, dict[str, int]]:
    """Score the newest audits one by one from their rows; returns seconds of work, and the flips by kind."""
    began = time.process_time()
    before, after = load_rubric(BEFORE), load_rubric(AFTER)
    flips = {"to_fail": 0, "to_pass": 0}
    with runtime.db.read() as session:
        keys = session.exec(select(tables.Audit.id).order_by(col(tables.Audit.id).desc()).limit(audits)).all()
        for key in keys:
            audit = session.get_one(tables.Audit, key)
            session.get_one(tables.Call, audit.call_id)
            rows = session.exec(select(tables.Answer).where(tables.Answer.audit_id == key)).all()
            standing = {
                row.criterion: Standing("not_applicable")
                if row.answer == "na"
                else Standing("decided", row.answer)
                for row in rows
            }
            was, now = total(before, standing).outcome, total(after, standing).outcome
            flips["to_fail"] += (was, now) == ("pass", "fail")
            flips["to_pass"] += (was, now) == ("fail", "pass")
            session.expunge_all()
    return time.process_time() - began, flips


def open_runtime(folder: Path) -> Runtime:
    """Open an installation in a folder."""
    address = f"sqlite:///{folder / 'bench.sqlite3'}"
    return Runtime(Settings(data_dir=folder, database_url=address, secret_key="for the benchmark only"))


class Took(NamedTuple):
    """Seconds by the clock, and seconds of work."""

    clock: float
    work: float


def run_once(folder: Path) -> tuple[Took, Backtest]:
    """Run the backtest once; returns how long it took and the result."""
    runtime = open_runtime(folder)
    began, worked = time.perf_counter(), time.process_time()
    found = backtest(runtime, SYSTEM, AFTER, ("made", 1))
    return Took(time.perf_counter() - began, time.process_time() - worked), found


def alone(folder: Path) -> dict[str, float]:
    """Run the backtest in a process of its own; returns seconds and the peak of its memory in MB."""
    command = [sys.executable, __file__, "--child", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout))


def child(folder: Path) -> int:
    """Be that process: `idle` is its memory before the first audit."""
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took, _ = run_once(folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = {"seconds": round(took.clock, 2), "work_seconds": round(took.work, 2)}
    print(json.dumps({**seconds, "idle_mb": round(idle), "peak_mb": round(peak)}))
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Build the files and measure everything."""
    with tempfile.TemporaryDirectory() as name:
        whole, quarter, slice_ = (Path(name) / part for part in ("whole", "quarter", "slice"))
        for folder, audits in (
            (whole, options.audits),
            (quarter, options.audits // 4),
            (slice_, options.slice),
        ):
            folder.mkdir()
            fill(open_runtime(folder), audits)
        runs = [alone(whole) for _ in range(options.runs)]
        small = alone(quarter)
        peer_seconds, peer_flips = through_orm(open_runtime(slice_), options.slice)
        _, same = run_once(slice_)
        _, found = run_once(whole)
    if (same.to_fail, same.to_pass) != (peer_flips["to_fail"], peer_flips["to_pass"]):
        raise SystemExit("The two ways of scoring do not agree.")
    best = min(run["seconds"] for run in runs)
    work = min(run["work_seconds"] for run in runs)
    extrapolated = peer_seconds / options.slice * options.audits
    return {
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, load {os.getloadavg()[0]:.1f} while measuring",
        "audits": options.audits,
        "criteria": 20,
        "answers": options.audits * 20,
        "flips": found.to_fail + found.to_pass,
        "goal_seconds": GOAL,
        "seconds": best,
        "work_seconds": work,
        "seconds_of_all_runs": [run["seconds"] for run in runs],
        "peak_mb": max(run["peak_mb"] for run in runs),
        "idle_mb": runs[0]["idle_mb"],
        "quarter": {"audits": options.audits // 4, **small},
        "peer": {
            "what": "the same audits through ORM rows, scored one by one; measured on a slice, extrapolated",
            "slice": options.slice,
            "slice_work_seconds": round(peer_seconds, 2),
            "extrapolated_work_seconds": round(extrapolated, 1),
        },
        "ratio": round(extrapolated / work, 1),
    }


def main() -> int:
    """Measure and report; exit status 1 when the goal is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--audits", type=int, default=100_000)
    parser.add_argument("--slice", type=int, default=1_000, help="audits that the peer scores")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return child(options.child)
    found = measure(options)
    peer, quarter = found["peer"], found["quarter"]
    print(f"{'':<34}{'audits':>10}{'seconds':>10}{'of work':>10}{'peak MB':>10}")
    for name, row in (("backtest", found), ("backtest of a quarter", quarter)):
        seconds = f"{row['seconds']:>10.2f}{row['work_seconds']:>10.2f}"
        print(f"{name:<34}{row['audits']:>10}{seconds}{row['peak_mb']:>10}")
    print(f"{'peer: ORM rows, a slice':<34}{peer['slice']:>10}{'':>10}{peer['slice_work_seconds']:>10.2f}")
    print(
        f"{'peer, extrapolated':<34}{found['audits']:>10}{'':>10}{peer['extrapolated_work_seconds']:>10.1f}"
    )
    print(
        f"The peer takes {found['ratio']} times as much work. Before the first audit: {found['idle_mb']} MB."
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf8")
    return 0 if found["seconds"] * 100_000 / found["audits"] <= GOAL else 1


if __name__ == "__main__":
    raise SystemExit(main())
