"""A recording comes in: looked at, kept for good, written down, and its first piece of work rung for.

What was accepted is kept: the bytes are synced and the row is committed before `accept` returns. What was not
accepted leaves no row and no file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from qa_audit import logs
from qa_audit.domain.access import Actor, ensure
from qa_audit.domain.imported import reading
from qa_audit.errors import Conflict, Invalid, NoSpace, Refused, Temporary
from qa_audit.media.protocol import Probe
from qa_audit.services import filename_patterns, tasks
from qa_audit.services.call_fields import CallFields, read_fields, same_value, shown_filename
from qa_audit.services.organisation import team_of
from qa_audit.services.ports import Ports
from qa_audit.services.receiving import ReceivedFile, Receiver, no_space, receive
from qa_audit.storage import tasks as task_store
from qa_audit.storage import uploads as store
from qa_audit.storage import vendors as vendor_store
from qa_audit.storage.database import IntegrityError, OperationalError, Session
from qa_audit.storage.vendors import VendorInfo

__all__ = ["Accepted", "CallFields", "IncomingCall", "ReceivedFile", "Receiver", "accept", "receive"]

KEY_LIVES = timedelta(hours=24)
"""So long the answer to an Idempotency-Key is kept."""
RUNNING_SECONDS = 30.0
"""An upload that takes longer than this after its last byte is taken for dead: its key may be used again.

One that was only slow loses nothing then: whoever comes second finds the same bytes.
"""
RETRY_AFTER = 5
_TRIES = 5

_log = logs.get(__name__)


class TwinRunning(Conflict):
    """An upload with the same Idempotency-Key is being worked on at this moment."""

    def __init__(self) -> None:
        super().__init__("An upload with this Idempotency-Key is running. Ask again shortly.", RETRY_AFTER)


class KeyReused(Conflict):
    """The Idempotency-Key was used for something else before."""

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was used for another upload. Use a new key for a new upload.")


@dataclass(frozen=True)
class IncomingCall:
    """A recording that arrived whole, and what its uploader says about it; `vendor` is a slug.

    `transcript` is a file of a format that `domain.imported` reads, to be used instead of transcribing.
    """

    file: ReceivedFile
    filename: str
    vendor: str
    fields: CallFields = field(default_factory=CallFields)
    idempotency_key: str | None = None
    transcript: bytes | None = None

    def transcript_sha256(self) -> str | None:
        """Return the hash of the transcript's bytes; None where there is none."""
        return hashlib.sha256(self.transcript).hexdigest() if self.transcript is not None else None


@dataclass(frozen=True)
class Difference:
    """Something that an upload says otherwise than the call that is there already; None says nothing.

    Of a transcript the sha256 is told.
    """

    field: str
    stored: object
    sent: object


@dataclass(frozen=True)
class Accepted:
    """The call that has these bytes: `created` by this upload or one before with its key, or there already.

    `differences` lists what the upload said otherwise; what is stored stays.
    """

    id: str
    status: str
    sha256: str
    created: bool
    differences: tuple[Difference, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Return the answer's body as plain data."""
        body: dict[str, object] = {"id": self.id, "status": self.status, "sha256": self.sha256}
        if not self.created:
            body["differences"] = [vars(difference) for difference in self.differences]
        return body


@dataclass(frozen=True)
class _Key:
    """An Idempotency-Key that this upload holds; `running_until` tells it from every other holder."""

    owner: str
    key: str
    running_until: float


def accept(ports: Ports, actor: Actor, upload: IncomingCall) -> Accepted:
    """Keep a recording as a call of its vendor; the file is taken over or removed in every case.

    Bytes that the vendor has already give the call that is there. Raises Invalid (fields, unknown vendor, a
    transcript that cannot be read), Refused (no usable audio), TwinRunning and KeyReused, NoSpace, Temporary,
    Forbidden.
    """
    try:
        ensure(actor, "upload")
        vendor, upload = _prepared(ports, actor, upload)
        if upload.transcript is not None:
            reading.check(upload.transcript)
        held = _hold(ports, actor, vendor, upload)
        if isinstance(held, Accepted):
            return held
        try:
            return _existing(ports, vendor, upload, held) or _keep(ports, actor, vendor, upload, held)
        except BaseException:
            _let_go(ports, held)
            raise
    finally:
        upload.file.path.unlink(missing_ok=True)


def _prepared(ports: Ports, actor: Actor, upload: IncomingCall) -> tuple[VendorInfo, IncomingCall]:
    """Find the vendor and complete the fields by what the file's name tells."""
    with ports.db.read() as session:
        vendor = vendor_store.find(session, upload.vendor, actor.vendor_id)
    if vendor is None:
        raise Invalid(
            "The upload's vendor is not known.", {"vendor": f"There is no vendor '{upload.vendor}'."}
        )
    if not vendor.filename_pattern:
        return vendor, upload
    zone = ZoneInfo(ports.settings.time_zone)
    told = filename_patterns.read(vendor.filename_pattern, upload.filename, zone)
    given = upload.fields.given()
    missing = [(name, value) for name, value in told.items() if name not in given]
    try:
        fields = upload.fields.completed(read_fields(missing, ports.clock()))
    except Invalid as error:
        words = {name: f"{text} (read from the file's name)" for name, text in error.fields.items()}
        raise Invalid("The file's name does not fit the vendor's pattern.", words) from error
    return vendor, replace(upload, fields=fields)


def _fingerprint(vendor: VendorInfo, upload: IncomingCall) -> str:
    """Hash what makes two uploads the same: audio's and transcript's sha256 and the normalised fields."""
    same = [upload.file.sha256, vendor.id, upload.fields.given(), upload.transcript_sha256()]
    said = json.dumps(same, sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def _hold(ports: Ports, actor: Actor, vendor: VendorInfo, upload: IncomingCall) -> Accepted | _Key | None:
    """Take hold of the upload's key, or return the answer that it stands for; None without a key."""
    if upload.idempotency_key is None:
        return None
    owner, key, fingerprint = actor.id, upload.idempotency_key, _fingerprint(vendor, upload)
    for _ in range(_TRIES):
        try:
            with ports.db.write() as session:
                row, now, clock = store.key_row(session, owner, key), ports.db.now(session), ports.clock()
                if row is not None and _is_alive(row, now, clock):
                    return _answer(row, fingerprint)
                held = _Key(owner, key, now + RUNNING_SECONDS)
                taken = row is not None
                store.start_key(session, owner, key, fingerprint, held.running_until, clock, replaces=taken)
            return held
        except IntegrityError:
            continue  # a twin started the key at the same moment: look again what it stands for
    raise TwinRunning()


def _is_alive(row: store.KeyRow, now: float, clock: datetime) -> bool:
    """Say whether a key still stands for something: an answer not too old, or an upload not dead."""
    return clock - row.created_at < KEY_LIVES if row.state == "done" else row.running_until > now


def _answer(row: store.KeyRow, fingerprint: str) -> Accepted:
    if row.fingerprint != fingerprint:
        raise KeyReused()
    if row.answer is None:
        raise TwinRunning()
    body = row.answer["body"]
    differences = tuple(Difference(**item) for item in body.get("differences", ()))
    return Accepted(body["id"], body["status"], body["sha256"], bool(row.answer["created"]), differences)


def _let_go(ports: Ports, held: _Key | None) -> None:
    """Forget the key of an upload that was not accepted; a database that is away leaves it to run out."""
    if held is None:
        return
    try:
        with ports.db.write() as session:
            store.release_key(session, held.owner, held.key, held.running_until)
    except OperationalError:
        _log.warning("key not released")


def _existing(ports: Ports, vendor: VendorInfo, upload: IncomingCall, held: _Key | None) -> Accepted | None:
    """Return the vendor's call that has these bytes, None when there is none."""
    with ports.db.write() if held else ports.db.read() as session:
        found = store.stored_call(session, vendor.key, upload.file.sha256)
        if found is None:
            return None
        transcript = upload.transcript_sha256()
        sent = {**upload.fields.given(), **({"transcript": transcript} if transcript else {})}
        differences = tuple(
            Difference(name, found.fields.get(name), value)
            for name, value in sent.items()
            if name not in _UNCOMPARED and not same_value(found.fields.get(name), value)
        )
        accepted = Accepted(found.id, found.status, upload.file.sha256, False, differences)
        _finish(ports, session, held, accepted)
    return accepted


_UNCOMPARED = ("title", "survey", "picked")


def _keep(
    ports: Ports, actor: Actor, vendor: VendorInfo, upload: IncomingCall, held: _Key | None
) -> Accepted:
    """Put the files where they stay, then write everything down in one transaction, then ring."""
    recording = _recording(upload, _probe(ports, upload))
    media_key, transcript_key = recording["media_key"], recording["transcript_key"]
    try:
        with no_space():
            ports.media.put_file(media_key, upload.file.path)
            if transcript_key and upload.transcript is not None:
                ports.media.put_bytes(transcript_key, upload.transcript)
        accepted, task = _write_down(ports, actor, vendor, upload, recording, held)
    except BaseException as error:
        _take_back(ports, media_key, transcript_key)
        if isinstance(error, OperationalError) and store.is_disk_full(error):
            raise NoSpace("The database's disk is full. Nothing was stored; send it again later.") from error
        raise
    if task is None:
        _take_back(ports, media_key, transcript_key)
    else:
        tasks.ring(ports, task)
    return accepted


def _probe(ports: Ports, upload: IncomingCall) -> Probe:
    """Look at the recording; a look that fails twice without an answer counts as a broken file."""
    try:
        return ports.recordings.probe(upload.file.path, upload.filename)
    except Temporary:
        pass  # a busy machine can be the reason for one failure
    try:
        return ports.recordings.probe(upload.file.path, upload.filename)
    except Temporary as error:
        raise Refused("broken", "The recording cannot be opened within the limits for one file.") from error


def _recording(upload: IncomingCall, probe: Probe) -> dict[str, Any]:
    """Return the values of a recording's row, with new keys for its files."""
    return {
        "sha256": upload.file.sha256,
        "size": upload.file.size,
        "filename": shown_filename(upload.filename),
        "container": probe.container,
        "codec": probe.codec,
        "sample_rate": probe.sample_rate,
        "channels": probe.channels,
        "media_key": store.new_media_key(),
        "transcript_key": store.new_transcript_key() if upload.transcript is not None else None,
        "transcript_sha256": upload.transcript_sha256(),
    }


def _write_down(
    ports: Ports,
    actor: Actor,
    vendor: VendorInfo,
    upload: IncomingCall,
    recording: Mapping[str, object],
    held: _Key | None,
) -> tuple[Accepted, int | None]:
    """Insert call, recording, first task, event and the key's answer, all or none.

    Returns the call that is there when a twin was faster, and no task then.
    """
    is_demo = upload.file.sha256 in _bundled()
    for _ in range(_TRIES):
        if accepted := _existing(ports, vendor, upload, held):
            return accepted, None
        try:
            with ports.db.write() as session:
                values = _call_values(session, ports.clock(), vendor, upload) | {"is_demo": is_demo}
                call_key, public_id = store.add_call(session, values, recording)
                task = task_store.add(session, call_key, "measure", now=ports.db.now(session))
                detail = {"vendor": vendor.id, "bytes": upload.file.size}
                store.add_event(session, actor.id, "call.accepted", public_id, detail, ports.clock())
                accepted = Accepted(public_id, "received", upload.file.sha256, True)
                _finish(ports, session, held, accepted)
            return accepted, task
        except IntegrityError:
            continue  # a twin was faster, or brought the same new agent: look again
    raise Temporary("Many uploads of the same recording came at once. Send it again.")


def _call_values(
    session: Session, now: datetime, vendor: VendorInfo, upload: IncomingCall
) -> dict[str, object]:
    fields = upload.fields
    agent = vendor_store.agent_key(session, vendor.key, fields.agent) if fields.agent else None
    moment = fields.started_at
    offset = moment.utcoffset() if moment else None
    copied = ("external_id", "title", "direction", "queue", "language", "channels", "survey", "picked")
    return {
        **{name: getattr(fields, name) for name in copied},
        "vendor_id": vendor.key,
        "agent_id": agent,
        "team_id": team_of(session, agent, (moment or now).date()) if agent else None,
        "started_at": moment.astimezone(UTC) if moment else None,
        "utc_offset": int(offset.total_seconds() // 60) if offset is not None else None,
        "custom": dict(fields.custom),
        "created_at": now,
        "updated_at": now,
    }


def _finish(ports: Ports, session: Session, held: _Key | None, accepted: Accepted) -> None:
    if held is not None:
        answer = {"created": accepted.created, "body": accepted.to_json()}
        store.finish_key(session, held.owner, held.key, held.running_until, answer, ports.clock())


def _take_back(ports: Ports, *keys: str | None) -> None:
    """Remove uploaded files that no row refers to.

    A commit can succeed although its answer is lost: while it cannot be told, the files stay, and the sweep
    removes them in the end if nothing needs them.
    """
    for key in filter(None, keys):
        try:
            with ports.db.read() as session:
                kept = store.is_kept(session, key)
            if not kept:
                ports.media.delete(key)
        except Exception as error:
            _log.warning("uploaded file not taken back", key=key, error=type(error).__name__)


def _bundled() -> frozenset[str]:
    """Return the hashes of the bundled calls; an installation without them has none."""
    from qa_audit.services.bundled_calls import bundled_shas

    try:
        return bundled_shas()
    except FileNotFoundError:
        return frozenset()
