"""The companies whose calls are audited."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from qa_audit.domain.access import Actor, ensure
from qa_audit.errors import Conflict, Invalid, NotFound
from qa_audit.services import filename_patterns
from qa_audit.services.managing import ensure_manages, note
from qa_audit.services.ports import Ports
from qa_audit.storage import vendors as store
from qa_audit.storage.database import IntegrityError, Session
from qa_audit.storage.vendors import VendorInfo

__all__ = ["CHANNELS", "VendorInfo", "add", "get", "list_vendors", "own", "preview_pattern", "update"]

CHANNELS = ("agent-left", "agent-right")

MOST_HINTS = 20
LONGEST_HINT = 40
"""More and longer names would push the speech recogniser into writing them where nobody said them."""


def add(
    ports: Ports,
    actor: Actor,
    slug: str,
    name: str,
    *,
    channels: str = "agent-left",
    filename_pattern: str | None = None,
    speech_hints: Sequence[str] = (),
    is_sample: bool = False,
) -> VendorInfo:
    """Add a vendor. `channels` says which side of its stereo recordings the agent is on.

    `speech_hints` are names that its calls are likely to hold, such as brands and products.

    Raises Invalid for an unusable value, Conflict when the slug is taken.
    """
    ensure_manages(actor)
    given = {"filename_pattern": filename_pattern or None, "speech_hints": speech_hints}
    values = _checked({"name": name, "channels": channels, **given})
    if not store.SLUG.fullmatch(slug):
        raise _bad("slug", "must be small letters, digits and hyphens, 64 at most, such as 'acme-north'")
    try:
        with ports.db.write() as session:
            added = store.add(session, slug=slug, is_sample=is_sample, **values)
            note(session, ports, actor, "vendor.added", "vendor", added.id)
            return added
    except IntegrityError as error:
        raise Conflict(f"There is already a vendor '{slug}'.") from error


def list_vendors(ports: Ports, actor: Actor) -> tuple[VendorInfo, ...]:
    """Return the vendors that exist for the actor, by name."""
    ensure(actor, "see_calls")
    with ports.db.read() as session:
        return store.all_vendors(session, actor.vendor_id)


def get(ports: Ports, actor: Actor, slug: str) -> VendorInfo:
    """Return one vendor; raises NotFound, also for a vendor outside the actor's scope."""
    ensure(actor, "see_calls")
    with ports.db.read() as session:
        return _known(session, slug, actor.vendor_id)


def own(ports: Ports, actor: Actor) -> VendorInfo | None:
    """Return the vendor that somebody is bound to, None for whoever is bound to none."""
    if actor.vendor_id is None:
        return None
    with ports.db.read() as session:
        return store.by_key(session, actor.vendor_id)


def update(
    ports: Ports,
    actor: Actor,
    slug: str,
    *,
    name: str | None = None,
    channels: str | None = None,
    filename_pattern: str | None = None,
    speech_hints: Sequence[str] | None = None,
) -> VendorInfo:
    """Change what is given; an empty `filename_pattern` removes the pattern, `speech_hints` replace all.

    Recordings that are there already keep what they were measured with. Raises Invalid, NotFound.
    """
    ensure_manages(actor)
    given: dict[str, Any] = {"name": name, "channels": channels, "filename_pattern": filename_pattern}
    given["speech_hints"] = speech_hints
    values = _checked({field: value for field, value in given.items() if value is not None})
    with ports.db.write() as session:
        vendor = _known(session, slug, actor.vendor_id)
        if values:
            store.change(session, vendor.key, values)
            note(session, ports, actor, "vendor.changed", "vendor", vendor.id, fields=sorted(values))
        return _known(session, slug, actor.vendor_id)


def preview_pattern(ports: Ports, pattern: str, filename: str) -> dict[str, str]:
    """Return what a pattern reads from a file name, by field; raises Invalid for an unusable pattern."""
    zone = ZoneInfo(ports.settings.time_zone)
    return filename_patterns.read(filename_patterns.check(pattern), filename, zone)


def _known(session: Session, slug: str, vendor_id: int | None) -> VendorInfo:
    vendor = store.find(session, slug, vendor_id)
    if vendor is None:
        raise NotFound(f"There is no vendor '{slug}'.")
    return vendor


def _checked(values: dict[str, Any]) -> dict[str, Any]:
    """Check the columns that are given; an empty pattern becomes none."""
    if "name" in values:
        values["name"] = " ".join(values["name"].split())
        if not 1 <= len(values["name"]) <= 200 or not values["name"].isprintable():
            raise _bad("name", "must have 1 to 200 characters that can be seen")
    if "channels" in values and values["channels"] not in CHANNELS:
        raise _bad("channels", f"must be one of {', '.join(CHANNELS)}")
    if "filename_pattern" in values:
        pattern = values["filename_pattern"]
        values["filename_pattern"] = filename_patterns.check(pattern) if pattern else None
    if "speech_hints" in values:
        values["speech_hints"] = checked_hints(values["speech_hints"])
    return values


def checked_hints(names: Sequence[str]) -> list[str]:
    """Return names to expect in one form, empty and repeated ones left out; raises Invalid."""
    plain = (" ".join(unicodedata.normalize("NFC", name).split()) for name in names)
    found = list(dict.fromkeys(name for name in plain if name))
    if len(found) > MOST_HINTS:
        raise _bad("speech_hints", f"must be {MOST_HINTS} names at most")
    for name in found:
        if len(name) > LONGEST_HINT or not name.isprintable():
            raise _bad("speech_hints", f"must be names of at most {LONGEST_HINT} characters that can be seen")
    return found


def _bad(field: str, why: str) -> Invalid:
    return Invalid("The vendor cannot be stored like this.", {field: why})
