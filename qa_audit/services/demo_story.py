"""The demo's story: who works where, and how far the audit of each bundled call is.

What a person would do is done by the ways that people take: answers, submission and publication are the demo
reviewer's. A call that anybody has touched is left alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Literal

from qa_audit.domain.access import SYSTEM, Actor
from qa_audit.domain.audit import Line
from qa_audit.errors import Conflict, NotFound
from qa_audit.services import calls, organisation, reviewing, sample_history, scorecards
from qa_audit.services.bundled_calls import BundledCall, PlantedFault
from qa_audit.services.ports import Ports
from qa_audit.services.reviewing import Change
from qa_audit.services.vendor_figures import LIMIT
from qa_audit.storage import accounts, audits, samples

State = Literal["in_review", "audited", "published"]

TEAMS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "brightline": {
        "Refunds 1": ("Dana", "Elif", "Hugo", "Marta"),
        "Refunds 2": ("Marcus", "Priya", "Joan", "Oskar"),
    },
    "sollent": {
        "Refunds 1": ("Tom", "Aisha", "Bruno", "Vera"),
        "Refunds 2": ("Nina", "Karim", "Lotte", "Pavel"),
    },
    "kestrel": {
        "Refunds 1": ("Leo", "Amir", "Clara", "Sven"),
        "Refunds 2": ("Sara", "Bea", "Dario", "Wanda"),
    },
}
"""The agents of each vendor's teams: those of the bundled calls, and some who are heard in no call."""

SINCE = date(2026, 1, 1)
"""Everybody has been in their team since this day."""

FATAL_LIMIT = 1
"""How many calls in 100 each vendor's contract lets be fatal."""

STATES: Mapping[str, State] = {
    "call-01": "published",
    "call-03": "published",
    "call-04": "in_review",
    "call-05": "published",
    "call-06": "published",
    "call-07": "published",
    "call-08": "published",
    "call-09": "audited",
    "call-10": "published",
}
"""How far each audit is; the calls that are not here wait in the queue."""

MANUAL: Mapping[str, Mapping[str, str]] = {
    "call-01": {"B10": "3"},
    "call-03": {"B10": "3"},
    "call-05": {"B10": "3"},
    "call-06": {"B10": "2"},
    "call-07": {"B10": "1"},
    "call-08": {"B10": "1"},
    "call-09": {"B10": "3"},
    "call-10": {"B10": "3"},
}
"""What the demo's reviewer makes of the lines that no machine answers, by code."""

NOTES: Mapping[str, str] = {
    "B1": "The greeting does not name Northwind.",
    "B2": "No name in the greeting: the caller does not know who they speak to.",
    "B3": "No offer to help at the start.",
    "B4": "Answers as Star Air. The caller has to ask whether this is Northwind.",
    "B5": "Says voucher. Our word is travel credit.",
    "B7": "Speaks of Northwind as 'they'. We say 'we'.",
    "B9": "Ends without thanks and without the brand.",
    "S3": "The caller is upset after three weeks. One word of understanding first, then the booking number.",
    "S5": "22 seconds without a word, until the caller asks whether anybody is there. Announce the hold.",
    "S7": "The rule is five to ten days and an e-mail. Neither was said.",
    "S8": "Promises the money for tomorrow. Nobody can promise that: it takes five to ten days.",
    "S10": "Does not ask whether anything else is needed.",
}
"""What the demo's reviewer writes to the vendor beside a no, by the line's code."""

PRIVATE_NOTES: Mapping[str, str] = {
    "S8": "A kind call apart from this. Worth practising one good sentence about the days it takes.",
}

_HEARD = frozenset({"words", "silence", "overlap"})
"""Kinds of planted faults that can be heard at one moment."""


@dataclass(frozen=True)
class Staged:
    """What became of one bundled call's audit."""

    call: str
    state: State


def organise(ports: Ports) -> None:
    """Give the demo's vendors their teams, agents and limits; a vendor that has teams stays as it is."""
    for slug, teams in TEAMS.items():
        with suppress(NotFound):
            _organise(ports, slug, teams)


def add_history(ports: Ports) -> int:
    """Add the sample history of the vendors that have none; returns how many audits were added."""
    people = {
        slug: {agent: team for team, agents in teams.items() for agent in agents}
        for slug, teams in TEAMS.items()
    }
    return sample_history.add(ports, people)


def team_of(ports: Ports, slug: str, agent: str) -> str | None:
    """Return the name of the team that somebody on the phone is in, None when in none."""
    with suppress(NotFound):
        for known in organisation.get(ports, SYSTEM, slug).agents:
            if known.name == agent and known.stays:
                return known.stays[0].team
    return None


def stage(ports: Ports, call: BundledCall, id: str, reviewer: str) -> Staged | None:
    """Take a call's audit as far as the story wants, as the reviewer with this e-mail address.

    Only a pre-scored call that nobody has touched; returns None for any other. A person who comes in between
    keeps the call.
    """
    wanted = STATES.get(call.id)
    actor = _actor(ports, reviewer)
    if wanted is None or actor is None or not _is_untouched(ports, id):
        return None
    try:
        reviewing.begin(ports, actor, id)
        reviewing.accept_sure(ports, actor, id)
        if wanted != "in_review":
            _answer(ports, actor, call, id)
            reviewing.submit(ports, actor, id)
        if wanted == "published":
            scorecards.publish(ports, actor, id)
    except (Conflict, NotFound):
        return None
    return Staged(call.id, wanted)


def _organise(ports: Ports, slug: str, teams: Mapping[str, tuple[str, ...]]) -> None:
    found = organisation.get(ports, SYSTEM, slug)
    if found.teams:
        return
    with ports.db.write() as session:
        samples.set_variable(session, found.vendor.key, LIMIT, FATAL_LIMIT)
    known = {agent.name: agent for agent in found.agents}
    for team, agents in teams.items():
        organisation.add_team(ports, SYSTEM, slug, team)
        for name in agents:
            agent = known.get(name)
            if agent is None or not agent.stays:
                id = agent.id if agent else organisation.add_agent(ports, SYSTEM, slug, name)
                organisation.set_stay(ports, SYSTEM, slug, id, team, SINCE)


def _actor(ports: Ports, email: str) -> Actor | None:
    with ports.db.read() as session:
        account = accounts.account_by_email(session, email)
    return Actor(account.id, account.role, account.name) if account else None


def _is_untouched(ports: Ports, id: str) -> bool:
    with ports.db.read() as session:
        call = calls.seen_call(session, SYSTEM, id)
        return call.status == "prescored" and audits.audit_of(session, call.key) is None


def _answer(ports: Ports, actor: Actor, call: BundledCall, id: str) -> None:
    """Answer what the machine was not sure of, and every no with a note and the moment that was heard."""
    for part in reviewing.show(ports, actor, id).parts:
        for line in part.lines:
            change = _change(call, line)
            if change is not None:
                reviewing.answer(ports, actor, id, part.rubric.id, line.criterion.id, change)


def _change(call: BundledCall, line: Line) -> Change | None:
    """Return what a person would say to a line; None where the accepted answer says it already."""
    code = line.criterion.code or ""
    wanted = MANUAL.get(call.id, {}).get(code) or call.answers.get(code)
    if wanted is None or wanted == "manual":
        return None
    if wanted != "no":
        accepted = line.human.answer if line.human else None
        return None if accepted == wanted else Change(wanted)
    fault = next((fault for fault in call.faults if fault.criterion == code), None)
    return Change("no", NOTES.get(code, ""), PRIVATE_NOTES.get(code, ""), _pin(fault))


def _pin(fault: PlantedFault | None) -> tuple[float, float] | None:
    return (fault.start, fault.end) if fault and fault.kind in _HEARD else None
