"""The lines of an audit in words: the machine's answer quiet, the person's plain, and what is still missing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from flask import url_for

from qa_audit.domain.audit import NOT_APPLICABLE, HumanAnswer, blockers
from qa_audit.domain.audit import Line as AuditLine
from qa_audit.domain.corrections import Kept
from qa_audit.domain.findings import CriterionResult
from qa_audit.domain.rubric import Criterion, NumberScale
from qa_audit.domain.rubric.keys import ANSWER_KEYS
from qa_audit.services.audit_desk import Part
from qa_audit.services.reviewing import Change, StaleAnswer
from qa_audit.web.calls.findings import tag_of
from qa_audit.web.calls.pages import Line as MachineLine
from qa_audit.web.calls.words import certainty_words, history_words
from qa_audit.web.context import runtime
from qa_audit.web.pages import Tone
from qa_audit.web.review.pages import AnswerChoice, Clash, NumberField, Pinned, ReviewLine
from qa_audit.web.templating import clock, count, here

MachineLines = Mapping[tuple[str, str], MachineLine]
_LEFT = {"manual": "leaves this to you", "not_assessed": "not assessed", "not_applicable": "not applicable"}
_WORDS = {"yes": "Yes", "no": "No", NOT_APPLICABLE: "N/A"}
_NOTES = {
    "optional": "",
    "on_fail": "due when it fails",
    "always": "always due",
}


def line_id(rubric: str, criterion: str) -> str:
    """Return the id of a line's element."""
    return f"line-{rubric}-{criterion}"


def review_line(
    call_id: str,
    part: Part,
    line: AuditLine,
    machine: MachineLines,
    *,
    viewer: str,
    may_change: bool,
    kept: Kept | None = None,
    clash: StaleAnswer | None = None,
) -> ReviewLine:
    """Put one line into words; `viewer` is the name of who looks. With `clash` it shows both answers.

    `kept` tells how often reviewers kept such an answer of the machine before.
    """
    criterion, human = line.criterion, line.human or HumanAnswer(line.criterion.id, None)
    shown = clash.mine if clash else Change(human.answer, human.note, human.private_note, human.pin)
    found = machine.get((part.rubric.id, criterion.id))
    address = url_for("review.show", id=call_id)
    return ReviewLine(
        id=line_id(part.rubric.id, criterion.id),
        rubric=part.rubric.id,
        criterion=criterion.id,
        title=criterion.title,
        tag=tag_of(criterion),
        tone=_tone(line),
        points=points_words(criterion),
        machine=_machine(line, kept),
        kept=history_words(kept) if kept else "",
        reason=line.machine.reason if line.machine else "",
        evidence=found.evidence if found else (),
        guidance=criterion.guidance,
        policy=criterion.policy,
        not_applicable_when=criterion.na,
        when=answer_guidance(criterion),
        note_due=_NOTES[criterion.comment],
        key=criterion.key or "",
        choices=_choices(criterion, shown.answer),
        number=_number(criterion, shown.answer),
        is_answered=line.is_answered,
        answer=answer_words(criterion, human.answer),
        got=_got(line),
        note=shown.note,
        private_note=shown.private_note,
        pin=pinned(shown.pin, address),
        version=human.version,
        decided=_decided(human, viewer),
        missing=_missing(line),
        clash=_clash(criterion, clash, f"{address}#{line_id(part.rubric.id, criterion.id)}")
        if clash
        else None,
        is_compact=clash is None and (is_settled(line) if line.is_answered else line.is_sure),
        may_change=may_change,
        action=url_for("review.answer", id=call_id),
    )


def is_settled(line: AuditLine) -> bool:
    """Say whether nothing more is to be done on a line."""
    return line.is_answered and not blockers([line])


def urgency(line: AuditLine) -> int:
    """Rank open lines: suspected fatals, suspected criticals, half done ones, unsure, manual, fairly sure."""
    if line.is_suspected or line.is_grave_no:
        return 0 if line.criterion.fatal or line.criterion.fatal_for_section else 1
    if line.is_answered:
        return 2
    status = line.machine.status if line.machine else "manual"
    return {"unsure": 3, "not_assessed": 4, "manual": 5}.get(status, 6)


def count_points(points: float) -> str:
    """Write points with their unit."""
    return "1 point" if points == 1 else f"{points:g} points"


def points_words(criterion: Criterion) -> str:
    """Write what a line is worth."""
    return f"bonus, up to +{criterion.points:g}" if criterion.bonus else count_points(criterion.points)


def answer_words(criterion: Criterion, answer: str | None) -> str:
    """Write an answer as it is read; an open line says so."""
    if answer is None:
        return "open"
    if answer in _WORDS:
        return _WORDS[answer]
    label = criterion.label(answer)
    counted = f"{answer} {criterion.scale.unit}" if isinstance(criterion.scale, NumberScale) else answer
    return f"{counted}: {label}" if label else counted


def answer_guidance(criterion: Criterion) -> tuple[tuple[str, str], ...]:
    """Return when to give which answer, as far as the rubric says so: the answer in words, and when."""
    levels = criterion.scale if isinstance(criterion.scale, tuple) else ()
    found = {level.answer: level.guidance for level in levels if level.guidance} | criterion.guidance_for
    known = (*criterion.answers, NOT_APPLICABLE)
    named = {("na" if answer == "not_applicable" else answer): text for answer, text in found.items()}
    ordered = sorted(named, key=lambda answer: known.index(answer) if answer in known else len(known))
    return tuple(
        (answer_words(criterion, answer) if answer in known else answer, named[answer]) for answer in ordered
    )


def range_words(scale: NumberScale) -> tuple[str, ...]:
    """Write what the ranges of a number earn: 'up to 30: all points (quick)'."""
    words, above = [], ""
    for part in scale.ranges:
        bound = f"more than {above}" if part.up_to is None else f"up to {part.up_to:g}"
        earned = (
            "all points"
            if part.percent == 100
            else "no points"
            if not part.percent
            else f"{part.percent:g} %"
        )
        words.append(f"{bound}: {earned}{f' ({part.label})' if part.label else ''}")
        above = "" if part.up_to is None else f"{part.up_to:g}"
    return tuple(words)


def pinned(pin: tuple[float, float] | None, address: str) -> Pinned | None:
    """Put a pinned moment into words."""
    if pin is None:
        return None
    return Pinned(f"{pin[0]:g}-{pin[1]:g}", pin[0], pin[1], f"{address}?t={pin[0]:g}")


def _number(criterion: Criterion, answer: str | None) -> NumberField | None:
    scale = criterion.scale
    if not isinstance(scale, NumberScale):
        return None
    value = "" if answer in (None, NOT_APPLICABLE) else str(answer)
    return NumberField(value, scale.unit, f"{scale.least:g}", f"{scale.most:g}", range_words(scale))


def _choices(criterion: Criterion, chosen: str | None) -> tuple[AnswerChoice, ...]:
    answers = (*criterion.answers, NOT_APPLICABLE)
    return tuple(
        AnswerChoice(
            value=answer,
            label=answer_words(criterion, answer),
            key=ANSWER_KEYS.get(answer, answer),
            chosen=answer == chosen,
            tone=_answer_tone(criterion, answer),
        )
        for answer in answers
    )


def _answer_tone(criterion: Criterion, answer: str) -> Tone:
    if answer == NOT_APPLICABLE:
        return "plain"
    if criterion.fails(answer):
        return "bad"
    return "good" if criterion.share(answer) == 1 else "person"


def _tone(line: AuditLine) -> Tone:
    """Say by colour what a line means: a person's answer where there is one, else that one is needed."""
    if line.human is not None and line.human.answer is not None:
        return _answer_tone(line.criterion, line.human.answer)
    if line.is_suspected:
        return "bad" if line.criterion.fatal or line.criterion.fatal_for_section else "person"
    return "plain" if line.is_sure else "person"


def _machine(line: AuditLine, kept: Kept | None) -> str:
    """Say what the machine found, so short that it stays a whisper."""
    found = line.machine
    if found is None:
        return "no machine answer"
    says = "machine suspects" if line.is_suspected else "machine"
    return f"{says}: {_finding(line.criterion, found, kept)}"


def _finding(criterion: Criterion, found: CriterionResult, kept: Kept | None) -> str:
    if found.status == "decided":
        answer = answer_words(criterion, found.answer).lower()
        return f"{answer} · {certainty_words(found.certainty, kept)}" if found.certainty else answer
    if found.status == "unsure":
        leaning = answer_words(criterion, found.answer).lower() if found.answer else ""
        return f"{leaning}, unsure" if leaning else "unsure"
    return _LEFT[found.status]


def _got(line: AuditLine) -> str:
    if line.human is None or line.human.answer is None:
        return ""
    points = line.points
    if points is None:
        return "not counted"
    return f"+{points[0]:g}" if line.criterion.bonus else f"{points[0]:g} of {points[1]:g}"


def _decided(human: HumanAnswer, viewer: str) -> str:
    """Say where a decision comes from: who, when, and whether the machine's answer was taken over."""
    if human.answer is None or human.at is None:
        return ""
    who = "you" if human.by == viewer else human.by or "somebody"
    if human.origin == "accepted":
        return f"accepted from the machine by {who}, {moment(human.at)}"
    return f"{who}, {moment(human.at)}"


def moment(at: datetime) -> str:
    """Write when something was done: the time, with the day unless it was today."""
    local = here(at)
    now = here(runtime().clock())
    return f"{local:%H:%M}" if local.date() == now.date() else f"{local.day} {local:%b} {local:%H:%M}"


def _missing(line: AuditLine) -> str:
    found = blockers([line])
    if not found or not line.is_answered:
        return ""
    return f"Before this can be published, {found[0].missing}."


def _clash(criterion: Criterion, clash: StaleAnswer, keep: str) -> Clash:
    theirs = clash.theirs
    who = theirs.by or "Somebody"
    parts = [f"answered {answer_words(criterion, theirs.answer)}" if theirs.answer else "left it open"]
    parts += [f"wrote “{theirs.note}”"] if theirs.note else []
    parts += [f"pinned {clock(theirs.pin[0])}"] if theirs.pin else []
    when = f", {moment(theirs.at)}" if theirs.at else ""
    words = f"Changed in another tab or by somebody else: {who} {', '.join(parts)}{when}."
    return Clash(
        words, answer_words(criterion, theirs.answer), answer_words(criterion, clash.mine.answer), keep
    )


def open_words(number: int) -> str:
    """Count open lines."""
    return count(number, "line") + " open"
