"""Uploading many recordings: which there are, which are there already, and what became of each."""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from qa_audit.domain.imported.cues import MOST_BYTES
from qa_audit.errors import Invalid, QaAuditError, Stopped
from qa_audit.media.formats import EXTENSIONS
from qa_audit.services.call_fields import read_fields
from qa_audit.services.manifest import BadRow, Manifest, Row, read_manifest
from qa_audit.services.upload_client import Answer, Server, printable

Result = Literal["accepted", "existing", "skipped", "refused"]
RESULTS: tuple[Result, ...] = ("accepted", "existing", "skipped", "refused")

_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Item:
    """A recording to upload; `row` is its line in the manifest, `fields` and `transcript` what that says."""

    path: Path
    file: str
    row: int | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    transcript: Path | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of one file or row: `reason` is for people, `differences` what is stored otherwise."""

    file: str
    result: Result
    row: int | None = None
    id: str | None = None
    sha256: str | None = None
    reason: str | None = None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What is to be sent, and what is settled without the server: skipped names and bad rows."""

    items: tuple[Item, ...]
    settled: tuple[Outcome, ...]


@dataclass(frozen=True)
class Report:
    """What became of everything; `stopped` says why the work ended early, None when it did not."""

    outcomes: tuple[Outcome, ...]
    stopped: QaAuditError | None = None

    @property
    def interrupted(self) -> bool:
        """Say whether somebody stopped the work."""
        return isinstance(self.stopped, Stopped)

    def count(self, result: Result) -> int:
        """Count the files with one result."""
        return sum(outcome.result == result for outcome in self.outcomes)


class Watcher(Protocol):
    """Somebody who watches the work; called from several threads."""

    def advance(self, bytes_done: int) -> None:
        """So many bytes more are done (fewer, when a try begins again)."""
        ...

    def settled(self, outcome: Outcome) -> None:
        """One file is done with."""
        ...


def plan(paths: Sequence[Path], manifest: Path | None, now: datetime) -> Plan:
    """Find the recordings below folders and among the files named, and join them with the manifest's rows.

    In a folder, names that are no audio are skipped, and with a manifest so is what has no row: a transcript
    belongs to a recording only where a manifest says so. A file named itself is always sent. Raises Invalid
    for a path that is not there and for an unusable manifest.
    """
    for path in paths:
        if not path.exists():
            raise Invalid(f"There is no file or folder '{path}'.")
    found = {file: shown for path in paths for file, shown in _below(path)}
    named = {path.absolute() for path in paths if not path.is_dir()}
    if manifest is None:
        return _sorted_out(found, named, {})
    folders = [path for path in paths if path.is_dir()] + [path.parent for path in paths if not path.is_dir()]
    table = read_manifest(manifest, now)
    placed, missing = _placed(table, [*folders, manifest.parent])
    rows, unread = _with_transcripts(placed, manifest.parent)
    bad = [
        Outcome(error.file, "refused", error.number, reason=error.reason)
        for error in [*table.errors, *missing, *unread.values()]
    ]
    claimed = {(folder / error.file).absolute() for error in table.errors for folder in folders if error.file}
    claimed |= {manifest.absolute(), *unread, *filter(None, (entry.transcript for entry in rows.values()))}
    found = {file: shown for file, shown in found.items() if file not in claimed}
    sorted_out = _sorted_out({**{file: str(file) for file in rows}, **found}, named, rows, with_manifest=True)
    return replace(
        sorted_out, settled=(*sorted(bad, key=lambda outcome: outcome.row or 0), *sorted_out.settled)
    )


def _below(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of a folder and below it, hidden folders left out, or the file itself."""
    if not path.is_dir():
        yield path.absolute(), printable(str(path))
        return
    for folder, folders, files in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            file = Path(folder, name)
            yield file.absolute(), printable(str(file))


def _sorted_out(
    found: Mapping[Path, str], named: set[Path], rows: Mapping[Path, Item], *, with_manifest: bool = False
) -> Plan:
    items: list[Item] = []
    skipped: list[Outcome] = []
    for file, shown in found.items():
        if file in rows:
            items.append(rows[file])
        elif file in named:
            items.append(Item(file, shown))
        elif file.suffix.lower().lstrip(".") not in EXTENSIONS or file.name.startswith("."):
            skipped.append(Outcome(shown, "skipped", reason="no audio by its name"))
        elif with_manifest:
            skipped.append(Outcome(shown, "skipped", reason="no row in the manifest"))
        else:
            items.append(Item(file, shown))
    return Plan(tuple(items), tuple(skipped))


def _placed(table: Manifest, folders: Sequence[Path]) -> tuple[dict[Path, Row], list[BadRow]]:
    """Find each row's file in the folders, in order; two rows must not mean the same file."""
    placed: dict[Path, Row] = {}
    missing: list[BadRow] = []
    for row in table.rows:
        candidates = [(folder / row.file).absolute() for folder in folders]
        file = next((path for path in candidates if path.is_file()), None)
        if file is None:
            missing.append(BadRow(row.number, row.file, "there is no such file"))
        elif file in placed:
            missing.append(BadRow(row.number, row.file, f"the same file stands in row {placed[file].number}"))
        else:
            placed[file] = row
    return placed, missing


def _with_transcripts(
    placed: Mapping[Path, Row], folder: Path
) -> tuple[dict[Path, Item], dict[Path, BadRow]]:
    """Find the transcripts that rows name, from the manifest's folder on; those without theirs are bad rows."""
    items: dict[Path, Item] = {}
    bad: dict[Path, BadRow] = {}
    for file, row in placed.items():
        transcript = (folder / row.transcript).absolute() if row.transcript else None
        if transcript is not None and not transcript.is_file():
            bad[file] = BadRow(row.number, row.file, "there is no such file as its column 'transcript' names")
        elif transcript is not None and transcript.stat().st_size > MOST_BYTES:
            what = f"its transcript is larger than {MOST_BYTES // 1_000_000} MB"
            bad[file] = BadRow(row.number, row.file, what)
        else:
            items[file] = Item(file, printable(row.file), row.number, row.fields, transcript)
    return items, bad


def run(
    plan: Plan, server: Server, watcher: Watcher, now: datetime, *, parallel: int, stop: threading.Event
) -> Report:
    """Upload what is planned, `parallel` files at a time, and say what became of each file.

    Every file is hashed first and the server asked whether it has it: a second run sends nothing twice.
    Ends early when `stop` is set, and when the server goes away or no longer takes the token.
    """
    work = _Work(server, watcher, now, stop)
    for item in plan.items:
        work.waiting.put(item)
    threads = [threading.Thread(target=work.loop, daemon=True) for _ in range(min(parallel, len(plan.items)))]
    for thread in threads:
        thread.start()
    try:
        while any(thread.is_alive() for thread in threads):
            threads[0].join(_POLL_SECONDS)
            threads.append(threads.pop(0))
    except KeyboardInterrupt:
        stop.set()
        for thread in threads:
            thread.join(_STOP_SECONDS / len(threads))
        work.problem = work.problem or Stopped("Stopped. Run the same command again to go on.")
    order = {item.path: number for number, item in enumerate(plan.items)}
    done = sorted(work.outcomes.items(), key=lambda pair: order[pair[0]])
    return Report((*plan.settled, *_with_twins(dict(done), work.twins)), work.problem)


class _Work:
    """What the threads of one run share."""

    def __init__(self, server: Server, watcher: Watcher, now: datetime, stop: threading.Event) -> None:
        self.waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self.outcomes: dict[Path, Outcome] = {}
        self.twins: dict[Path, Path] = {}
        self.problem: QaAuditError | None = None
        self._server = server
        self._watcher = watcher
        self._now = now
        self._stop = stop
        self._first: dict[str, Path] = {}
        self._lock = threading.Lock()

    def loop(self) -> None:
        """Work until nothing is left or the work is to stop."""
        while not self._stop.is_set():
            try:
                item = self.waiting.get_nowait()
            except queue.Empty:
                return
            try:
                outcome = self._settle(item)
            except Stopped:
                return
            except OSError as error:
                outcome = Outcome(item.file, "refused", item.row, reason=f"cannot be read: {error.strerror}")
            except QaAuditError as error:
                self.problem = self.problem or error
                self._stop.set()
                return
            with self._lock:
                self.outcomes[item.path] = outcome
            self._watcher.settled(outcome)

    def _settle(self, item: Item) -> Outcome:
        size = item.path.stat().st_size
        tally = _Tally(self._watcher)
        sha256 = _hash(item.path, self._stop)
        with self._lock:
            first = self._first.setdefault(sha256, item.path)
        if first != item.path:
            self.twins[item.path] = first
            answer = Answer("existing", reason=f"the same bytes as {printable(first.name)}")
        else:
            said = read_fields(item.fields.items(), self._now).given()
            transcript = item.transcript.read_bytes() if item.transcript else None
            if transcript is not None:
                said["transcript_sha256"] = hashlib.sha256(transcript).hexdigest()
            found = self._server.find(sha256, said)
            answer = found or self._server.send(item.path, sha256, item.fields, tally.to, transcript)
        tally.to(size)
        return Outcome(
            item.file, answer.result, item.row, answer.id, sha256, answer.reason, answer.differences
        )


class _Tally:
    """How many bytes of one file are done; a new try begins at none again."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._done = 0

    def to(self, done: int) -> None:
        self._watcher.advance(done - self._done)
        self._done = done


def _hash(path: Path, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            if stop.is_set():
                raise Stopped()
            digest.update(piece)
    return digest.hexdigest()


def _with_twins(outcomes: Mapping[Path, Outcome], twins: Mapping[Path, Path]) -> Iterable[Outcome]:
    """Give a file with the same bytes as another one of this run the fate of that one."""
    for path, outcome in outcomes.items():
        first = outcomes.get(twins[path]) if path in twins else None
        if first is None:
            yield outcome
        elif first.result == "refused":
            yield replace(outcome, result="refused", reason=first.reason)
        else:
            yield replace(outcome, id=first.id)
