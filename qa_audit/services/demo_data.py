"""Fill an installation with the demo: vendors, people, the bundled calls, by the ways that users take."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from qa_audit.config import secret_key
from qa_audit.domain.access import SYSTEM
from qa_audit.errors import Conflict
from qa_audit.services import accounts, bundled_calls, calls, demo_story, ingest, outcomes, vendors
from qa_audit.services.bundled_calls import Bundle, BundledCall, Comparison
from qa_audit.services.ingest import Accepted, CallFields, IncomingCall
from qa_audit.services.ports import Ports

DOMAIN = "demo.example"
REVIEWER = f"reviewer@{DOMAIN}"
VENDOR, AGENT = "kestrel", "Leo"
"""The vendor's side of the demo: a manager of this vendor, the lead of this agent's team, and the agent."""


@dataclass(frozen=True)
class SignIn:
    """An account of the demo; `about` says in a few words whose it is."""

    role: str
    email: str
    password: str
    about: str


@dataclass(frozen=True)
class Report:
    """What became of one bundled call: `seconds` of sound, `percents` with each rubric's score by its id."""

    call: BundledCall
    status: str
    failure: str | None
    seconds: float
    words: int
    percents: Mapping[str, float | None]
    comparison: Comparison

    @property
    def as_expected(self) -> bool:
        """Say whether the call was scored, every planted fault found, and nothing the opposite of what it is."""
        found = all(fault.found for fault in self.comparison.faults)
        return bool(self.percents) and found and self.comparison.count("opposite") == 0


def add_vendors(ports: Ports, bundle: Bundle) -> None:
    """Add the vendors of the bundled calls that are not there yet."""
    for vendor in bundle.vendors:
        with suppress(Conflict):
            vendors.add(ports, SYSTEM, vendor.slug, vendor.name, channels=vendor.channels)


def add_people(ports: Ports) -> tuple[SignIn, ...]:
    """Make sure that one account per role is there, and return how to sign in.

    The vendor's side comes with its vendor and team; what is not there has no account. Each installation has its
    own passwords, the same at every start: they are derived from its secret key.
    """
    key = secret_key(ports.settings).encode()
    found = []
    for role, about, scope in _people(ports):
        digest = hmac.digest(key, f"demo sign-in: {role}".encode(), hashlib.sha256)
        letters = base64.b32encode(digest).decode().lower()
        password = "-".join(letters[at : at + 4] for at in (0, 4, 8))
        email = f"{role}@{DOMAIN}"
        accounts.ensure_demo_user(ports, email, role, password, **scope)
        found.append(SignIn(role, email, password, about))
    return tuple(found)


def _people(ports: Ports) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield role, words and scope of everybody whose vendor and team are there."""
    yield "admin", "looks after everything", {}
    yield "reviewer", "audits calls", {}
    yield "viewer", "reads everything", {}
    vendor = next((one for one in vendors.list_vendors(ports, SYSTEM) if one.slug == VENDOR), None)
    if vendor is None:
        return
    scope = {"vendor_slug": VENDOR}
    yield "manager", f"of {vendor.name}", scope
    team = demo_story.team_of(ports, VENDOR, AGENT)
    if team is not None:
        yield "lead", f"of {AGENT}'s team at {vendor.name}", {**scope, "team": team}
        yield "agent", f"{AGENT} at {vendor.name}", {**scope, "agent": AGENT}


def load(ports: Ports, call: BundledCall) -> Accepted:
    """Take in a bundled call like any upload; one that is there already is found again by its bytes."""
    fields = CallFields(
        agent=call.agent,
        external_id=call.external_id,
        started_at=call.started_at,
        direction=call.direction,
        queue=call.queue,
        language=call.language,
        channels=call.channels,
        custom=call.custom,
        title=call.title,
        survey=call.survey,
    )
    with call.path.open("rb") as recording:
        file = ingest.receive(ports, recording, call.path.stat().st_size)
    upload = IncomingCall(file=file, filename=call.path.name, vendor=call.vendor, fields=fields)
    return ingest.accept(ports, SYSTEM, upload)


def report(ports: Ports, call: BundledCall, id: str) -> Report:
    """Hold what became of a bundled call against what was written into it; `id` is its public id."""
    detail = calls.get_call(ports, SYSTEM, id)
    rubrics = outcomes.rubrics_of(ports, [prescore.rubric for prescore in detail.prescores])
    codes = bundled_calls.codes_of(rubrics.values())
    return Report(
        call=call,
        status=detail.status,
        failure=detail.failure,
        seconds=detail.duration or 0.0,
        words=detail.transcript.word_count if detail.transcript else 0,
        percents={prescore.rubric.id: prescore.score.percent for prescore in detail.prescores},
        comparison=bundled_calls.compare(call, detail.prescores, codes),
    )


def table(reports: Sequence[Report]) -> list[str]:
    """Lay the reports out as lines of text, scores by rubric."""
    rubrics = sorted({id for report in reports for id in report.percents})
    heads = ["call", "vendor", "seconds", "words", *rubrics, "agree", "unsure", "opposite"]
    rows = [_row(report, rubrics) for report in reports]
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if at < 2 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, ["-" * width for width in widths], *rows)
    ]


def _row(report: Report, rubrics: Sequence[str]) -> list[str]:
    scores = [report.percents.get(id) for id in rubrics]
    counts = [str(report.comparison.count(verdict)) for verdict in ("agree", "unsure", "opposite")]
    return [
        report.call.id,
        report.call.vendor_name,
        f"{report.seconds:.1f}",
        str(report.words),
        *("-" if score is None else f"{score:.1f}" for score in scores),
        *counts,
    ]
