"""Pre-scores in words: every machine answer with its points, its reason and the moments one can hear."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qa_audit.domain.corrections import Kept
from qa_audit.domain.findings import CriterionResult, Evidence, PreScore
from qa_audit.domain.rubric import Criterion, Rubric
from qa_audit.web.calls.pages import EvidenceLine, Line, RubricPart
from qa_audit.web.calls.transcript import tone_of, without_masks
from qa_audit.web.calls.words import NO_HISTORY, VERDICTS, KeptBefore, certainty_words
from qa_audit.web.templating import clock, count, day, percent

Rubrics = Mapping[tuple[str, int], Rubric]

_NO_ANSWER = {
    "unsure": "unsure",
    "manual": "for a person",
    "not_applicable": "not applicable",
    "not_assessed": "not assessed",
}
_ORDER = {"decided": 0, "unsure": 2, "not_assessed": 3, "manual": 4, "not_applicable": 6}


def parts_of(
    prescores: Iterable[PreScore], rubrics: Rubrics, address: str, kept: KeptBefore = NO_HISTORY
) -> tuple[RubricPart, ...]:
    """Return one part per pre-score; `address` is the call's page, to link to a moment of it.

    `kept` tells how often reviewers kept such answers before.
    """
    known = [
        (prescore, rubrics[key])
        for prescore in prescores
        if (key := (prescore.rubric.id, prescore.rubric.version)) in rubrics
    ]
    known.sort(key=lambda pair: _urgency(pair[0]))
    return tuple(_part(prescore, rubric, address, kept) for prescore, rubric in known)


def _urgency(prescore: PreScore) -> tuple[bool, int]:
    """Put suspected fatals first, then what failed, then what is undecided."""
    return not prescore.score.suspected_fatal, ("fail", "undetermined", "pass").index(prescore.score.outcome)


def _part(prescore: PreScore, rubric: Rubric, address: str, kept: KeptBefore) -> RubricPart:
    pairs = [(rubric.criterion(line.id), line) for line in prescore.criteria]
    ordered = sorted(pairs, key=lambda pair: _rank(*pair))
    lines = [
        (line, _line(criterion, line, address, kept.get((rubric.id, criterion.id))))
        for criterion, line in ordered
    ]
    verdict, tone = VERDICTS[prescore.score.outcome]
    return RubricPart(
        id=rubric.id,
        title=rubric.title,
        version=f"version {rubric.version}, in force since {day(rubric.effective_from)}",
        score=_score(prescore),
        verdict=verdict[:1].upper() + verdict[1:],
        tone=tone,
        note=_note(prescore, rubric),
        open=tuple(shown for line, shown in lines if _needs_a_look(line)),
        settled=tuple(shown for line, shown in lines if not _needs_a_look(line)),
    )


def _rank(criterion: Criterion, line: CriterionResult) -> tuple[int, int]:
    """Put suspected fatals first, then criticals, other lost points, open lines, and settled ones last."""
    if line.status != "decided":
        return _ORDER[line.status], 0
    if tone_of(line) == "good":
        return 5, 0
    return 0, 0 if criterion.fatal else 1 if criterion.critical else 2


def _needs_a_look(line: CriterionResult) -> bool:
    return tone_of(line) in ("bad", "person")


def _score(prescore: PreScore) -> str:
    score = prescore.score
    if score.percent_without_fatal is None:
        return "Nothing is decided so far"
    without = " without the suspected fatal" if score.suspected_fatal else ""
    return f"{percent(score.percent_without_fatal)} % so far{without}"


def _note(prescore: PreScore, rubric: Rubric) -> str:
    """Say what the score is made of, and what could still change it."""
    score = prescore.score
    parts = [
        f"{score.points:g} of {score.possible:g} points decided by the machine",
        f"pass mark {rubric.pass_mark:g}",
    ]
    if score.open:
        parts.append(f"{count(score.open, 'line')} open")
    text = ", ".join(parts) + "."
    if score.suspected_fatal:
        names = ", ".join(f"“{rubric.criterion(id).title}”" for id in score.suspected_fatal)
        text += f" Fatal suspected: {names}. It counts only once a person has heard and confirmed it."
    return text


def _line(criterion: Criterion, line: CriterionResult, address: str, kept: Kept | None) -> Line:
    return Line(
        id=criterion.id,
        title=criterion.title,
        tag=tag_of(criterion),
        tone=tone_of(line),
        answer=_answer(line, kept),
        points=_points(criterion, line),
        reason=line.reason,
        evidence=tuple(_evidence(item, address) for item in line.evidence),
        guidance=criterion.guidance,
        policy=criterion.policy,
        not_applicable_when=criterion.na,
    )


def tag_of(criterion: Criterion) -> str | None:
    """Say in a word or two what a no does besides its points."""
    if criterion.fatal:
        return "fatal"
    if criterion.fatal_for_section:
        return "fatal for its section"
    return "critical" if criterion.critical else None


def _answer(line: CriterionResult, kept: Kept | None) -> str:
    if line.status == "decided":
        answer = line.answer or "decided"
        return f"{answer}, {certainty_words(line.certainty, kept)}" if line.certainty else answer
    words = _NO_ANSWER[line.status]
    return f"{words}, perhaps {line.answer}" if line.status == "unsure" and line.answer else words


def _points(criterion: Criterion, line: CriterionResult) -> str:
    if line.status == "decided" and line.points is not None:
        return f"{line.points:g} of {criterion.points:g}"
    if line.status == "not_applicable":
        return "not counted"
    return f"{criterion.points:g} open"


def _evidence(item: Evidence, address: str) -> EvidenceLine:
    window = f"{clock(item.start)} to {clock(item.end)}"
    if item.kind == "words" and item.quote:
        words = without_masks(item.quote)
    elif item.value is not None:
        words = f"{item.value:g} {item.unit or ''}".strip() + f", {window}"
    elif item.kind == "searched":
        words = f"searched from {window}"
    else:
        words = window
    target = f"#turn-{item.segment}" if item.segment is not None else ""
    return EvidenceLine(
        start=item.start,
        end=max(item.end, item.start),
        address=f"{address}?t={item.start:g}{target}",
        words=words,
        is_quote=item.kind == "words",
        is_marked=item.kind != "searched",
    )
