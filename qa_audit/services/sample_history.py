"""A drawn history of audits for the demo: what vendors' figures look like after half a year.

Everything is drawn from one seed per vendor, so that every installation shows the same. The calls have answers
and no sound, and are marked: whatever counts them says 'sample history'.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone

from qa_audit.domain.rubric import Criterion, Rubric
from qa_audit.domain.score import Answer, total
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_files import stored_rubric
from qa_audit.storage import rubrics as rubric_store
from qa_audit.storage import samples
from qa_audit.storage import vendors as vendor_store
from qa_audit.storage.database import Session
from qa_audit.storage.samples import Row
from qa_audit.storage.tables import new_public_id

BEGINS = date(2026, 5, 4)
WEEKS = 26
"""The history ends where the bundled calls begin, on 2 November 2026."""

AUDITS = 300
RUBRICS = ("brand-consistency", "service-quality")
TITLE = "sample history"

_BRAND = {"B1": 0.02, "B2": 0.02, "B3": 0.03, "B4": 0.004, "B5": 0.08, "B6": 0.10, "B7": 0.03, "B9": 0.05}
_SERVICE = {"S1": 0.015, "S2": 0.04, "S3": 0.08, "S4": 0.05, "S5": 0.05, "S6": 0.05, "S7": 0.03, "S10": 0.07}
_TYPICAL = _BRAND | _SERVICE
"""How often a line fails, by its code."""

_NOT_APPLICABLE = {"B5": 0.6, "B6": 0.45, "S3": 0.5}
_LEVELS = (0.02, 0.23, 0.45, 0.30)
"""How often a scale of four levels gets each, lowest first."""

_COLD_LEVELS = (0.25, 0.45, 0.25, 0.05)

LIKED = {5: 120, 4: 64, 3: 12, 2: 4}
"""Survey marks and how often they were given: 4.5 on average."""

SO_SO = {5: 50, 4: 60, 3: 46, 2: 28, 1: 16}
"""3.5 on average."""


@dataclass(frozen=True)
class Habits:
    """How a vendor works: what fails how often, and from when on it drifts.

    `fails` and `drifts_to` are chances by a criterion's code; the drift begins `drift_weeks` before the end and
    grows evenly. `fatals` is how many audits fail a fatal line, by code. `offset` is hours ahead of UTC.
    """

    seed: int
    offset: int
    marks: Mapping[int, int]
    fails: Mapping[str, float] = field(default_factory=dict)
    drifts_to: Mapping[str, float] = field(default_factory=dict)
    drift_weeks: int = 0
    fatals: Mapping[str, int] = field(default_factory=dict)


VENDORS: Mapping[str, Habits] = {
    "brightline": Habits(seed=101, offset=1, marks=LIKED),
    "sollent": Habits(
        seed=202,
        offset=2,
        marks=SO_SO,
        drifts_to={"B1": 0.45, "B2": 0.25, "B3": 0.3, "B4": 0.1, "B5": 0.6, "B7": 0.5, "B9": 0.6},
        drift_weeks=6,
        fatals={"S8": 1},
    ),
    "kestrel": Habits(
        seed=303,
        offset=1,
        marks=LIKED,
        fails={"B1": 0.01, "B5": 0.03, "B6": 0.05, "B9": 0.02, "S1": 0.05, "S5": 0.09, "S7": 0.11},
        fatals={"S8": 11, "S9": 4},
    ),
}


@dataclass(frozen=True)
class Drawn:
    """One drawn audit: when the call began, who took it, the survey's mark, and the answers by code."""

    started_at: datetime
    agent: str
    survey: int | None
    duration: float
    answers: Mapping[str, str]


def add(ports: Ports, agents: Mapping[str, Mapping[str, str]]) -> int:
    """Add the sample history of every vendor that has none yet; returns how many audits were added.

    `agents` names each vendor's agents with their team, by slug. Safe to repeat.
    """
    added = 0
    for slug, habits in VENDORS.items():
        people = agents.get(slug, {})
        with ports.db.write() as session:
            vendor = vendor_store.find(session, slug)
            if vendor is None or not people or samples.has_samples(session, vendor.key):
                continue
            added += _store(session, vendor.key, habits, people)
    return added


def remove(ports: Ports) -> int:
    """Remove all sample history; returns how many audits it had."""
    with ports.db.write() as session:
        return samples.remove_all(session)


def draw(habits: Habits, agents: Sequence[str], rubrics: Sequence[Rubric]) -> tuple[Drawn, ...]:
    """Draw a vendor's audits, oldest first; the same for the same arguments."""
    dice = random.Random(habits.seed)
    marks: list[int | None] = [mark for mark, times in habits.marks.items() for _ in range(times)]
    marks += [None] * (AUDITS - len(marks))
    dice.shuffle(marks)
    fatals = [code for code, times in habits.fatals.items() for _ in range(times)]
    fatal_at = dict(zip(dice.sample(range(AUDITS), len(fatals)), fatals, strict=True))
    criteria = [criterion for rubric in rubrics for criterion in rubric.criteria]
    found = []
    for number in range(AUDITS):
        week = number * WEEKS // AUDITS
        drift = max(0.0, (week - (WEEKS - habits.drift_weeks) + 1) / (habits.drift_weeks or 1))
        answers = {c.code: _answer(dice, c, habits, drift) for c in criteria if c.code}
        if number in fatal_at:
            answers[fatal_at[number]] = "no"
        moment = _moment(dice, week, habits.offset)
        lasted = round(dice.lognormvariate(4.9, 0.45), 1)
        found.append(Drawn(moment, dice.choice(agents), marks[number], lasted, answers))
    return tuple(sorted(found, key=lambda drawn: drawn.started_at))


def _answer(dice: random.Random, criterion: Criterion, habits: Habits, drift: float) -> str:
    """Draw one answer; always as many throws, so that a changed chance changes nothing else."""
    code = criterion.code or ""
    applies, thrown = dice.random() >= _NOT_APPLICABLE.get(code, 0.0), dice.random()
    if criterion.scale != "yes_no":
        cold = bool(habits.drifts_to) and drift > 0
        return criterion.answers[_level(thrown, _COLD_LEVELS if cold else _LEVELS)]
    if not applies:
        return "na"
    usual = 0.0 if criterion.fatal else habits.fails.get(code, _TYPICAL.get(code, 0.0))
    chance = usual + drift * (habits.drifts_to.get(code, usual) - usual)
    return "no" if thrown < chance else "yes"


def _level(thrown: float, chances: Sequence[float]) -> int:
    reached = 0.0
    for level, chance in enumerate(chances):
        reached += chance
        if thrown < reached:
            return level
    return len(chances) - 1


def _moment(dice: random.Random, week: int, offset: int) -> datetime:
    day = BEGINS + timedelta(weeks=week, days=dice.randrange(5))
    at = time(dice.randrange(8, 19), dice.randrange(60))
    return datetime.combine(day, at, timezone(timedelta(hours=offset)))


def _store(session: Session, vendor_key: int, habits: Habits, agents: Mapping[str, str]) -> int:
    rubrics = _rubrics(session)
    drawn = draw(habits, sorted(agents), [rubric for _, rubric in rubrics])
    teams = samples.team_names(session, vendor_key)
    people = {name: vendor_store.agent_key(session, vendor_key, name) for name in agents}
    calls = samples.add_calls(
        session,
        [
            _call(one, number, vendor_key, people[one.agent], teams.get(agents[one.agent]))
            for number, one in enumerate(drawn, 1)
        ],
    )
    audits = samples.add_audits(session, [_audit(one, call) for one, call in zip(drawn, calls, strict=True)])
    results = list(zip(drawn, audits, strict=True))
    samples.add_results(
        session,
        [row for one, audit in results for row in _answers(one, audit, rubrics)],
        [_score(one, audit, key, rubric) for one, audit in results for key, rubric in rubrics],
    )
    return len(drawn)


def _rubrics(session: Session) -> tuple[tuple[int, Rubric], ...]:
    """Return key and rubric of the versions that were in force when the history begins."""
    usable = {
        version.rubric: version
        for version in rubric_store.published(session)
        if version.rubric in RUBRICS and version.effective_from <= BEGINS
    }
    return tuple((usable[id].key, stored_rubric(usable[id].source)) for id in RUBRICS if id in usable)


def _call(one: Drawn, number: int, vendor: int, agent: int, team: int | None) -> Row:
    offset = one.started_at.utcoffset() or timedelta(0)
    moment = one.started_at.astimezone(UTC)
    return {
        "public_id": new_public_id(),
        "vendor_id": vendor,
        "agent_id": agent,
        "team_id": team,
        "external_id": f"SAMPLE-{number:04}",
        "title": TITLE,
        "started_at": moment,
        "utc_offset": int(offset.total_seconds() // 60),
        "direction": "inbound",
        "queue": "refunds",
        "language": "en",
        "custom": {},
        "survey": one.survey,
        "is_demo": False,
        "is_sample": True,
        "status": "published",
        "progress": 100,
        "warnings": [],
        "duration": one.duration,
        "created_at": moment,
        "updated_at": moment,
    }


def _audit(one: Drawn, call: int) -> Row:
    done = one.started_at.astimezone(UTC) + timedelta(days=1)
    return {
        "public_id": new_public_id(),
        "call_id": call,
        "state": "published",
        "version": 0,
        "speakers": {},
        "started_at": done - timedelta(minutes=6),
        "submitted_at": done,
    }


def _answers(one: Drawn, audit: int, rubrics: Sequence[tuple[int, Rubric]]) -> Iterator[Row]:
    done = one.started_at.astimezone(UTC) + timedelta(days=1)
    for key, rubric in rubrics:
        for criterion in rubric.criteria:
            if criterion.code and criterion.code in one.answers:
                yield {
                    "audit_id": audit,
                    "rubric_version_id": key,
                    "criterion": criterion.id,
                    "answer": one.answers[criterion.code],
                    "origin": "human",
                    "answered_at": done,
                    "version": 0,
                }


def _score(one: Drawn, audit: int, key: int, rubric: Rubric) -> Row:
    given = {c.id: one.answers[c.code or ""] for c in rubric.criteria if c.code}
    score = total(rubric, {criterion: standing(answer) for criterion, answer in given.items()})
    return {
        "audit_id": audit,
        "rubric_version_id": key,
        "percent": score.percent,
        "percent_without_fatal": score.percent_without_fatal,
        "points": score.points,
        "possible": score.possible,
        "outcome": score.outcome,
        "fatal": len(score.suspected_fatal),
        "critical": len(score.suspected_critical),
    }


def standing(answer: str) -> Answer:
    """Return what an answer counts as."""
    return Answer("not_applicable") if answer == "na" else Answer("decided", answer)
