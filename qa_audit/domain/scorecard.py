"""A scorecard's snapshot: everything that a vendor is shown of one audited call, frozen when it is published.

The JSON form (`schema` qa-audit/scorecard@1) is what storage and the API hold. It carries the rubric versions with
their texts inside, so that neither a later rubric nor a later transcript changes what was published. Notes for the
coach alone are not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from qa_audit.domain.audit import NOT_APPLICABLE, HumanAnswer, Line, score_so_far
from qa_audit.domain.clips import Clip, clip_of
from qa_audit.domain.findings import Evidence, EvidenceKind, Outcome, Score
from qa_audit.domain.imported.reading import ENGINE as IMPORTED
from qa_audit.domain.rubric import Criterion, NumberScale, Rubric, Section
from qa_audit.domain.transcript import Segment, Speaker, Transcript

SCHEMA: Literal["qa-audit/scorecard@1"] = "qa-audit/scorecard@1"

CardOrigin = Literal["person", "accepted from the machine"]
Gravity = Literal["fatal", "critical", "points"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class CardEvidence(_Frozen):
    """What a line rests on, as the machine found it: words, a measured span, or the window that was searched."""

    kind: EvidenceKind
    start: float
    end: float
    speaker: Speaker | None = None
    quote: str | None = None
    value: float | None = None
    unit: str | None = None


class CardLine(_Frozen):
    """One line of a rubric with its answer: `na`, one of the scale's answers, or null where it was left open.

    `points` and `possible` are null where the line counts on neither side; `pin` is the moment that a person heard.
    """

    id: str
    code: str | None
    question: str
    guidance: str
    policy: str
    fatal: bool
    critical: bool
    answer: str | None
    label: str | None
    points: float | None
    possible: float | None
    origin: CardOrigin | None
    decided_by: str | None
    decided_at: datetime | None
    note: str
    reason: str
    evidence: tuple[CardEvidence, ...]
    pin: tuple[float, float] | None
    clip: Clip | None

    @property
    def lost(self) -> float:
        """Return the points that the line lost."""
        return (self.possible or 0.0) - (self.points or 0.0)

    @property
    def gravity(self) -> Gravity | None:
        """Say what kind of loss the line is, or None when it lost nothing."""
        if self.lost <= 0:
            return None
        if self.points == 0 and self.fatal:
            return "fatal"
        return "critical" if self.points == 0 and self.critical else "points"


class CardSection(_Frozen):
    """Lines that belong together, and what they come to; `weight` is their true share of the score (0 to 1).

    `fatal` names the lines answered no that leave the section nothing.
    """

    id: str
    title: str
    lines: tuple[CardLine, ...]
    percent: float | None = None
    points: float = 0.0
    possible: float = 0.0
    weight: float = 0.0
    fatal: tuple[str, ...] = ()


class CardScore(_Frozen):
    """What people's answers under one rubric add up to; `fatal` and `critical` name the lines answered no."""

    percent: float | None
    percent_without_fatal: float | None
    points: float
    possible: float
    outcome: Outcome
    fatal: tuple[str, ...]
    critical: tuple[str, ...]
    open: int


class CardRubric(_Frozen):
    """One rubric version as it was when the card was published, with every line; `sha256` is of its YAML text."""

    id: str
    version: int
    sha256: str
    effective_from: date
    title: str
    pass_mark: float
    sections: tuple[CardSection, ...]
    score: CardScore

    @property
    def lines(self) -> tuple[CardLine, ...]:
        """Return all lines in the order of the sections."""
        return tuple(line for section in self.sections for line in section.lines)


class CardCall(_Frozen):
    """The facts of the call; `picked` says how it came to be audited, `started_at` is by the vendor's own clock."""

    id: str
    title: str | None
    external_id: str | None
    vendor: str
    vendor_name: str
    team: str | None
    agent: str | None
    started_at: datetime | None
    received_at: datetime
    duration: float | None
    direction: str | None
    queue: str | None
    language: str | None
    picked: str | None


class GravestLine(_Frozen):
    """The line that cost most: what a card's headline names."""

    rubric: str
    line: str
    question: str
    gravity: Gravity


class RubricResult(_Frozen):
    """One rubric's score, short enough for a list."""

    rubric: str
    title: str
    percent: float | None
    percent_without_fatal: float | None
    outcome: Outcome


class Summary(_Frozen):
    """What a list shows of a card: `outcome` over all rubrics, and the ids of the lines that lost points."""

    outcome: Outcome
    problem: GravestLine | None
    lost: tuple[str, ...]
    results: tuple[RubricResult, ...]


class Snapshot(_Frozen):
    """A published scorecard. `reviewer` submitted the audit that it shows.

    `imported` names the format of a transcript that QA Audit did not make.
    """

    schema_: Literal["qa-audit/scorecard@1"] = Field(default=SCHEMA, alias="schema")
    published_at: datetime
    answer_by: datetime
    reviewer: str
    imported: str | None = None
    call: CardCall
    summary: Summary
    rubrics: tuple[CardRubric, ...]

    def to_json(self) -> dict[str, object]:
        """Return the JSON form as plain data."""
        return self.model_dump(mode="json", by_alias=True)

    def line(self, rubric: str, line: str) -> CardLine:
        """Return one line; raises KeyError."""
        for one in self.rubrics:
            for found in one.lines:
                if (one.id, found.id) == (rubric, line):
                    return found
        raise KeyError(line)


def build(
    call: CardCall,
    audited: Sequence[tuple[Rubric, Sequence[Line]]],
    transcript: Transcript | None,
    *,
    speakers: Mapping[str, str],
    reviewer: str,
    published_at: datetime,
    answer_by: datetime,
) -> Snapshot:
    """Freeze an audit: every line of every rubric as it stands now.

    `transcript` is the masked one; `speakers` names who speaks by segment id, where a person said so.
    """
    heard = _named(transcript, speakers)
    rubrics = tuple(_rubric(rubric, lines, heard) for rubric, lines in audited)
    return Snapshot(
        published_at=published_at,
        answer_by=answer_by,
        reviewer=reviewer,
        imported=transcript.engine.model if transcript and transcript.engine.name == IMPORTED else None,
        call=call,
        summary=_summary(rubrics),
        rubrics=rubrics,
    )


def _named(transcript: Transcript | None, speakers: Mapping[str, str]) -> tuple[Segment, ...] | None:
    if transcript is None:
        return None
    return tuple(
        segment.model_copy(update={"speaker": speakers.get(str(segment.id), segment.speaker)})
        for segment in transcript.segments
    )


def _rubric(rubric: Rubric, lines: Sequence[Line], heard: Sequence[Segment] | None) -> CardRubric:
    score = score_so_far(rubric, lines)
    by_id = {line.criterion.id: line for line in lines}
    sections = tuple(_section(section, by_id, score, heard) for section in rubric.sections)
    return CardRubric(
        id=rubric.id,
        version=rubric.version,
        sha256=rubric.sha256,
        effective_from=rubric.effective_from,
        title=rubric.title,
        pass_mark=rubric.pass_mark,
        sections=sections,
        score=CardScore(
            percent=score.percent,
            percent_without_fatal=score.percent_without_fatal,
            points=score.points,
            possible=score.possible,
            outcome=score.outcome,
            fatal=score.suspected_fatal,
            critical=score.suspected_critical,
            open=score.open,
        ),
    )


def _section(
    section: Section, lines: Mapping[str, Line], score: Score, heard: Sequence[Segment] | None
) -> CardSection:
    came_to = next(one for one in score.sections if one.id == section.id)
    ids = {criterion.id for criterion in section.criteria}
    return CardSection(
        id=section.id,
        title=section.title,
        lines=tuple(_line(lines[criterion.id], heard) for criterion in section.criteria),
        percent=came_to.percent,
        points=came_to.points,
        possible=came_to.possible,
        weight=came_to.weight,
        fatal=tuple(id for id in score.suspected_fatal_for_section if id in ids),
    )


def _line(line: Line, heard: Sequence[Segment] | None) -> CardLine:
    criterion = line.criterion
    human = line.human if line.is_answered else None
    found = line.machine if human is not None and _agrees(line, human) else None
    got, possible = line.points or (None, None)
    pin = human.pin if human else None
    evidence = found.evidence if found else ()
    return CardLine(
        id=criterion.id,
        code=criterion.code,
        question=criterion.title,
        guidance=criterion.guidance,
        policy=criterion.policy,
        fatal=criterion.fatal,
        critical=criterion.critical,
        answer=human.answer if human else None,
        label=_label(criterion, human.answer if human else None),
        points=got,
        possible=possible,
        origin=None
        if human is None
        else "person"
        if human.origin == "human"
        else "accepted from the machine",
        decided_by=human.by if human else None,
        decided_at=human.at if human else None,
        note=human.note if human else "",
        reason=found.reason if found else "",
        evidence=tuple(_evidence(item) for item in evidence),
        pin=pin,
        clip=_clip(pin, evidence, heard),
    )


def _agrees(line: Line, human: HumanAnswer) -> bool:
    """Say whether the machine's reason speaks for what the person answered."""
    leaning = line.machine.answer if line.machine and line.machine.status == "unsure" else line.machine_answer
    return leaning is not None and leaning == human.answer


def _label(criterion: Criterion, answer: str | None) -> str | None:
    """Return an answer that has words of its own: a level's, or a number with its unit and its range's."""
    if answer is None or answer == NOT_APPLICABLE:
        return None
    label, scale = criterion.label(answer), criterion.scale
    if not isinstance(scale, NumberScale):
        return label
    return f"{answer} {scale.unit}: {label}" if label else f"{answer} {scale.unit}"


def _evidence(item: Evidence) -> CardEvidence:
    copied = ("kind", "start", "end", "speaker", "quote", "value", "unit")
    return CardEvidence(**{name: getattr(item, name) for name in copied})


def _clip(
    pin: tuple[float, float] | None, evidence: Sequence[Evidence], heard: Sequence[Segment] | None
) -> Clip | None:
    """Return what to play for a line: the pinned moment, else the first thing that the machine found."""
    if heard is None:
        return None
    if pin is not None:
        return clip_of(heard, *pin)
    first = next(iter(evidence), None)
    if first is None:
        return None
    if first.kind == "searched":
        return Clip(start=first.start, end=first.end)
    return clip_of(heard, first.start, first.end)


def _summary(rubrics: Sequence[CardRubric]) -> Summary:
    outcomes = {rubric.score.outcome for rubric in rubrics}
    outcome: Outcome = "fail" if "fail" in outcomes else "pass" if outcomes == {"pass"} else "undetermined"
    lost = losses(rubrics)
    return Summary(
        outcome=outcome,
        problem=_problem(*lost[0]) if lost else None,
        lost=tuple(line.id for _, line in lost),
        results=tuple(
            RubricResult(
                rubric=rubric.id,
                title=rubric.title,
                percent=rubric.score.percent,
                percent_without_fatal=rubric.score.percent_without_fatal,
                outcome=rubric.score.outcome,
            )
            for rubric in rubrics
        ),
    )


def losses(rubrics: Sequence[CardRubric]) -> tuple[tuple[CardRubric, CardLine], ...]:
    """Return every line that lost points, the gravest and dearest first."""
    order = {"fatal": 0, "critical": 1, "points": 2}
    found = [(rubric, line, line.gravity) for rubric in rubrics for line in rubric.lines]
    lost = [(rubric, line, gravity) for rubric, line, gravity in found if gravity is not None]
    lost.sort(key=lambda entry: (order[entry[2]], -entry[1].lost))
    return tuple((rubric, line) for rubric, line, _ in lost)


def _problem(rubric: CardRubric, line: CardLine) -> GravestLine:
    return GravestLine(
        rubric=rubric.id, line=line.id, question=line.question, gravity=line.gravity or "points"
    )
