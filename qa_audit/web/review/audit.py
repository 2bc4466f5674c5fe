"""One audit as its template reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flask import url_for

from qa_audit.domain.access import Actor, can
from qa_audit.domain.audit import Line as AuditLine
from qa_audit.domain.findings import SectionScore
from qa_audit.services import corrections, review_queue
from qa_audit.services.audit_desk import AuditView, Part
from qa_audit.services.calls import CallDetail
from qa_audit.services.ports import Ports
from qa_audit.services.reviewing import StaleAnswer
from qa_audit.web.calls.pages import CallPage, RubricPart
from qa_audit.web.calls.single import call_page
from qa_audit.web.calls.words import KeptBefore
from qa_audit.web.pages import Tone
from qa_audit.web.review.lines import (
    MachineLines,
    is_settled,
    line_id,
    moment,
    open_words,
    review_line,
    urgency,
)
from qa_audit.web.review.pages import (
    Acceptance,
    Ask,
    Foot,
    LineKey,
    ReviewLine,
    ReviewPage,
    ReviewPart,
    SectionSoFar,
    Standing,
)
from qa_audit.web.templating import count, day, percent

_STATES = {
    "draft": "in review",
    "submitted": "submitted, not published",
    "published": "published",
}
_VERDICTS = {"pass": "Passed", "fail": "Not passed", "undetermined": "Undecided"}
_PICKED = {"random": "picked at random", "risk": "picked for risk"}


@dataclass(frozen=True)
class Request:
    """How the page of an audit was asked for.

    `begin` is where the sound starts (seconds); `ask` that the one question before submitting is to be put,
    `is_next` that the next call follows; `clash` two answers to one line, `changed` the line that was saved;
    `is_part` that only a part of the page is wanted.
    """

    begin: float = 0.0
    ask: bool = False
    is_next: bool = False
    clash: StaleAnswer | None = None
    changed: tuple[str, str] | None = None
    is_part: bool = False


def review_page(ports: Ports, actor: Actor, view: AuditView, request: Request) -> ReviewPage:
    """Build the page of an audit."""
    call, address = view.call, url_for("review.show", id=view.call.id)
    kept = corrections.kept_before(ports, actor, call.id)
    base = call_page(ports, actor, call, request.begin, address, kept)
    lines = _Lines(actor, view, request, base.rubrics, kept)
    view = replace(view, parts=tuple(sorted(view.parts, key=_urgency)))
    parts = tuple(lines.part(part) for part in view.parts)
    return ReviewPage(
        title=base.title,
        facts=_facts(base, call),
        moment=base.moment,
        is_received=base.is_received,
        state=_state(view),
        call=url_for("calls.show", id=call.id),
        owner=actor.id,
        draft=call.id if view.may_change else "",
        player=base.player,
        no_sound=base.no_sound,
        turns=base.turns,
        no_words=base.no_words,
        nameable=_nameable(view),
        naming=url_for("review.speakers", id=call.id) if view.may_change else None,
        details=(*base.details, *base.custom),
        warnings=base.warnings,
        parts=parts,
        no_parts=_no_parts(call),
        keys=_keys(view),
        acceptance=_acceptance(view),
        foot=_foot(ports, actor, view, parts, request),
        changed=lines.line(*request.changed) if request.changed and request.is_part else None,
        is_part=request.is_part,
        demo_model=base.demo_model,
    )


class _Lines:
    """Puts the lines of one audit into words for one person."""

    def __init__(
        self,
        actor: Actor,
        view: AuditView,
        request: Request,
        machine: Iterable[RubricPart],
        kept: KeptBefore,
    ) -> None:
        self._actor, self._view, self._request, self._kept = actor, view, request, kept
        self._machine: MachineLines = {
            (part.id, line.id): line
            for part in machine
            for line in (*part.open, *part.settled)
            if part.version.startswith(_pinned(view, part.id))
        }

    def part(self, part: Part) -> ReviewPart:
        """Put one rubric into words: open lines by urgency, sure and settled ones in the rubric's order."""
        settled = [line for line in part.lines if is_settled(line)]
        sure = [line for line in part.open if line.is_sure]
        rest = sorted((line for line in part.lines if line not in settled and line not in sure), key=urgency)
        rubric = part.rubric
        return ReviewPart(
            id=rubric.id,
            title=rubric.title,
            version=f"version {rubric.version}, in force since {day(rubric.effective_from)}",
            open=self._worded(part, rest),
            sure=self._worded(part, sure),
            settled=self._worded(part, settled),
            to_answer=len(part.open),
            lines=len(part.lines),
            sections=_sections(part),
        )

    def line(self, rubric: str, criterion: str) -> ReviewLine:
        """Put one line into words as it stands open, because somebody is at work on it."""
        part = next(part for part in self._view.parts if part.rubric.id == rubric)
        (line,) = self._worded(part, [part.line(criterion)])
        return replace(line, is_compact=False)

    def _worded(self, part: Part, lines: Iterable[AuditLine]) -> tuple[ReviewLine, ...]:
        clash, changed = self._request.clash, self._request.changed
        return tuple(
            review_line(
                self._view.call.id,
                part,
                line,
                self._machine,
                viewer=self._actor.name,
                may_change=self._view.may_change,
                kept=self._kept.get((part.rubric.id, line.criterion.id)),
                clash=clash if changed == (part.rubric.id, line.criterion.id) else None,
            )
            for line in lines
        )


def _sections(part: Part) -> tuple[SectionSoFar, ...]:
    """Say what each section comes to, once anything counts; one alone says no more than the whole."""
    titles = {section.id: section.title for section in part.rubric.sections}
    if len(titles) == 1 or all(one.percent is None for one in part.score.sections):
        return ()
    return tuple(
        SectionSoFar(titles[one.id], f"{percent(one.percent)} %", section_words(one))
        if one.percent is not None
        else SectionSoFar(titles[one.id], "", "nothing counted yet")
        for one in part.score.sections
    )


def _keys(view: AuditView) -> tuple[LineKey, ...]:
    found: dict[str, LineKey] = {}
    for part in view.parts:
        for line in part.lines:
            key = line.criterion.key
            if key and key not in found:
                address = f"#{line_id(part.rubric.id, line.criterion.id)}"
                found[key] = LineKey(key, f"Go to: {line.criterion.title}", address)
    return tuple(found.values())


def _pinned(view: AuditView, rubric: str) -> str:
    versions = {part.rubric.id: part.rubric.version for part in view.parts}
    return f"version {versions.get(rubric, 0)},"


def _state(view: AuditView) -> str:
    who = f" by {view.reviewer}" if view.reviewer else ""
    return f"{_STATES[view.state]}{who}" if view.state in _STATES else ""


def _urgency(part: Part) -> int:
    """Put a rubric with a suspected fatal first, then one with a suspected critical, whatever was answered."""
    suspected = [line.criterion for line in part.lines if line.is_suspected]
    return 0 if any(one.fatal for one in suspected) else 1 if suspected else 2


def _facts(base: CallPage, call: CallDetail) -> tuple[str, ...]:
    picked = _PICKED.get(call.picked, call.picked) if call.picked else None
    return tuple(fact for fact in (*base.facts, picked) if fact)


def _nameable(view: AuditView) -> frozenset[int]:
    """Return the turns whose speaker a person can name: unknown ones, and those a person named."""
    if view.call.transcript is None or not view.may_change:
        return frozenset()
    unknown = {one.id for one in view.call.transcript.segments if one.speaker == "unknown"}
    return frozenset(unknown | view.named)


def _no_parts(call: CallDetail) -> str:
    if not call.is_finished:
        return "The lines come here once the call is transcribed."
    return "No rubric applies to this call, so there is nothing to answer."


def _acceptance(view: AuditView) -> Acceptance:
    id = view.call.id
    return Acceptance(
        accept=url_for("review.accept", id=id) if view.may_change and view.sure else None,
        sure=view.sure,
        undo=url_for("review.undo", id=id) if view.may_change and view.batch else None,
        batch=view.batch or "",
        accepted=view.accepted,
    )


def _foot(
    ports: Ports, actor: Actor, view: AuditView, parts: tuple[ReviewPart, ...], request: Request
) -> Foot:
    id = view.call.id
    missing = tuple(
        f"{part.line(blocker.criterion).criterion.title}: {blocker.missing}"
        for part in view.parts
        for blocker in part.blockers
    )
    reviews = can(actor, "review")
    to_publish = reviews and view.state == "submitted" and not missing
    waiting = review_queue.next_call(ports, actor, but=id) if reviews and view.state == "submitted" else None
    return Foot(
        standings=tuple(_standing(view, part) for part in view.parts),
        saved=_saved(view),
        ask=_ask(view, request.is_next) if request.ask and view.may_change else None,
        next_open=_next_open(parts) if view.may_change else None,
        submit=url_for("review.submit", id=id) if view.may_change else None,
        publish=url_for("scorecards.publish", id=id) if to_publish else None,
        take_back=url_for("review.take_back", id=id) if view.may_take_back else None,
        missing=missing if view.state == "submitted" else (),
        next_call=url_for("review.show", id=waiting) if waiting else None,
    )


def _next_open(parts: tuple[ReviewPart, ...]) -> str | None:
    lines = [line.id for part in parts for line in (*part.open, *part.sure) if not line.is_answered]
    return f"#{lines[0]}" if lines else None


def section_words(one: SectionScore) -> str:
    """Write what a section's score is made of, and how much of the whole it is."""
    counted = f"{one.points:g} of {one.possible:g} points" if one.possible else f"+{one.points:g}"
    counted += " with bonus" if one.points > one.possible else ""
    return f"{counted}, {percent(one.weight * 100)} % of the score"


def _standing(view: AuditView, part: Part) -> Standing:
    """Say what a rubric comes to so far: the person's answers alone count."""
    score, rubric = part.score, part.rubric
    so_far = "" if view.state in ("submitted", "published") else " so far"
    fatal = ", ".join(rubric.criterion(id).title for id in score.suspected_fatal)
    percent_words = f"{percent(score.percent_without_fatal)}{so_far}"
    if score.percent_without_fatal is None:
        words = f"nothing counted yet, pass mark {rubric.pass_mark:g}"
    elif fatal:
        words = f"fatal: {fatal} · {percent(score.percent_without_fatal)} without it, pass mark {rubric.pass_mark:g}"
    else:
        words = (
            f"{percent_words}, {score.points:g} of {score.possible:g} points, pass mark {rubric.pass_mark:g}"
        )
    tone: Tone = "good" if score.outcome == "pass" else "bad" if score.outcome == "fail" else "person"
    return Standing(
        rubric=rubric.id,
        title=rubric.title,
        verdict=f"{_VERDICTS[score.outcome]}{so_far}",
        tone=tone,
        words=words,
        open=_open_here(view, part),
    )


def _open_here(view: AuditView, part: Part) -> str:
    others = [
        f"{len(other.open)} in {other.rubric.title}"
        for other in view.parts
        if other is not part and other.open
    ]
    here_open = f"{open_words(len(part.open))} here" if part.open else ""
    if not here_open:
        return f"open: {', '.join(others)}" if others else ""
    return ", ".join([here_open, *others])


def _saved(view: AuditView) -> str:
    if view.state == "submitted" and view.submitted_at:
        return f"Submitted {moment(view.submitted_at)}"
    return f"Saved {moment(view.saved_at)}" if view.saved_at else "Nothing answered yet"


def _ask(view: AuditView, is_next: bool) -> Ask | None:
    lines = tuple(f"{part.rubric.title}: {line.criterion.title}" for part in view.parts for line in part.open)
    if not lines:
        return None
    are = "line is" if len(lines) == 1 else "lines are"
    words = f"{len(lines)} {are} still open. Open lines count neither for nor against the agent. Submit all the same?"
    return Ask(words, lines, f"Submit with {count(len(lines), 'open line')}", is_next)


def anchor(rubric: str, criterion: str) -> str:
    """Return the address part that leads to a line."""
    return f"#{line_id(rubric, criterion)}"
