"""One scorecard as its template reads it."""

from __future__ import annotations

from collections.abc import Iterable

from flask import url_for

from qa_audit.domain.access import STAFF, Actor, can
from qa_audit.domain.clips import Clip
from qa_audit.domain.scorecard import CardLine, CardRubric, losses
from qa_audit.services import scorecards
from qa_audit.services.ports import Ports
from qa_audit.services.scorecards import Background, CardDetail
from qa_audit.web.calls.transcript import LABELS, without_masks
from qa_audit.web.scorecards import words
from qa_audit.web.scorecards.pages import (
    AnswerPart,
    CardPage,
    History,
    LineShown,
    Play,
    RubricSections,
    RuleText,
    Said,
    SectionLine,
    Sound,
)
from qa_audit.web.templating import NOTHING, clock, count, day, here, percent

LONGEST = 24 * 3600.0
"""Seconds into a recording that an address may name."""


def card_page(
    ports: Ports, actor: Actor, card: CardDetail, begin: float | None, end: float | None
) -> CardPage:
    """Build the page of a card; `begin` and `end` choose a stretch of the sound to start with, in seconds."""
    snapshot, address = card.snapshot, url_for("scorecards.show", id=card.id)
    lost = [_line(rubric, line, address) for rubric, line in losses(snapshot.rubrics)]
    rest = [(rubric, line) for rubric in snapshot.rubrics for line in rubric.lines if line.gravity is None]
    kept = [_line(rubric, line, address) for rubric, line in rest if line.origin is not None]
    open = [_line(rubric, line, address) for rubric, line in rest if line.origin is None]
    first = next((line for line in lost if line.play), lost[0] if lost else None)
    moment, is_received = words.moment_of(card.call)
    title, tone = words.headline(snapshot.summary.problem, snapshot.summary.outcome)
    may_play = card.has_sound and not card.is_sample
    return CardPage(
        title=words.title_of(card.call),
        back=url_for("scorecards.index"),
        moment=moment,
        is_received=is_received,
        facts=tuple(_facts(actor, card)),
        published=here(card.published_at),
        headline=title,
        tone=tone,
        verdict=words.verdict(snapshot),
        sound=_sound(card, first, address, begin, end) if may_play else None,
        no_sound=_no_sound(card) if not may_play else "",
        first=first,
        lost=tuple(lost),
        kept=tuple(kept),
        kept_words=_kept_words([line for _, line in rest]),
        open=tuple(open),
        rubrics=tuple(_sections(rubric) for rubric in snapshot.rubrics if len(rubric.sections) > 1),
        history=_history(actor, card, scorecards.background(ports, actor, card)),
        decided=tuple(_decided(card)),
        answer=_answer(ports, actor, card),
        call=url_for("calls.show", id=card.call.id) if actor.role in STAFF else None,
    )


def _facts(actor: Actor, card: CardDetail) -> Iterable[str]:
    call = card.call
    if actor.role in STAFF:
        yield call.vendor_name
    if call.team and actor.role != "lead":
        yield call.team
    if call.duration:
        yield clock(call.duration)
    if call.picked:
        yield call.picked if call.picked.startswith("picked") else f"picked {call.picked}"


def _sound(
    card: CardDetail, first: LineShown | None, address: str, begin: float | None, end: float | None
) -> Sound:
    if begin is not None and 0 <= begin < LONGEST:
        last = end if end is not None and begin < end < LONGEST else begin + 20
        play = Play(begin, last, address)
    else:
        play = first.play if first and first.play else Play(0.0, card.call.duration or 0.0, address)
    return Sound(url_for("scorecards.audio", id=card.id), play, address)


def _no_sound(card: CardDetail) -> str:
    if card.is_sample:
        return "Sample history: no sound."
    return "No sound: there is no copy of this call in which personal numbers are silenced."


def _line(rubric: CardRubric, line: CardLine, address: str) -> LineShown:
    quoted = tuple(_said(line.clip)) if line.clip else ()
    answer = "not applicable" if line.answer == "na" else line.label or line.answer or "open"
    return LineShown(
        id=f"{rubric.id}-{line.id}",
        question=line.question,
        rubric=rubric.title,
        mark=words.mark_of(line),
        is_grave=line.gravity in ("fatal", "critical"),
        answer=answer,
        label=line.label or "",
        reason=line.reason,
        note=line.note,
        decided=words.decided(line),
        said=quoted,
        play=_play(line.clip, address) if line.clip else None,
        rule=RuleText(day(rubric.effective_from), line.guidance, line.policy),
    )


def _sections(rubric: CardRubric) -> RubricSections:
    questions = {line.id: line.question for line in rubric.lines}
    return RubricSections(
        rubric.title,
        tuple(
            SectionLine(
                title=section.title,
                percent=NOTHING if section.percent is None else f"{percent(section.percent)} %",
                words=words.section_words(section),
                note=", ".join(questions[id] for id in section.fatal),
            )
            for section in rubric.sections
        ),
    )


def _said(clip: Clip) -> Iterable[Said]:
    """Name a speaker where one begins, and name masked words once."""
    before = None
    for piece in clip.words:
        speaker = LABELS[piece.speaker] if piece.speaker != before else ""
        yield Said(speaker, without_masks(piece.text), piece.is_moment)
        before = piece.speaker


def _play(clip: Clip, address: str) -> Play:
    return Play(clip.start, clip.end, f"{address}?t={clip.start:g}&to={clip.end:g}#listen")


def _kept_words(lines: list[CardLine]) -> str:
    full = sum(line.origin is not None and line.answer != "na" for line in lines)
    beside = sum(line.answer == "na" for line in lines)
    found = [f"{count(full, 'line')} kept all {'its' if full == 1 else 'their'} points"] if full else []
    if beside:
        found.append(f"{beside} not applicable")
    return ", ".join(found)


def _history(actor: Actor, card: CardDetail, around: Background) -> History | None:
    if around.recent is None:
        return None
    audits, agent = around.recent, card.call.agent or "The agent"
    failed, samples = sum(one.is_failed for one in audits), sum(one.is_sample for one in audits)
    notes = []
    if samples:
        notes.append(
            "All of it is sample history." if samples == len(audits) else f"{samples} of them sample history."
        )
    if around.team is not None:
        whose = "Your team" if actor.role == "lead" else "The team"
        notes.append(f"{whose} in the 90 days before: {around.team[0]} of {around.team[1]} not passed.")
    if len(audits) < words.ENOUGH:
        told = f"Too few to say: {count(len(audits), 'audited call')} so far, {failed} not passed."
        return History(f"{agent} so far", "", told, tuple(notes))
    rest = words.others(audits)
    told = f"not passed{f' · the others: {rest}' if rest else ''}"
    return History(f"{agent}, last {len(audits)}", f"{failed} of {len(audits)}", told, tuple(notes))


def _decided(card: CardDetail) -> Iterable[str]:
    lines = [line for rubric in card.snapshot.rubrics for line in rubric.lines]
    person = sum(line.origin == "person" for line in lines)
    accepted = sum(line.origin == "accepted from the machine" for line in lines)
    by = f" by {card.snapshot.reviewer}" if card.snapshot.reviewer else ""
    yield f"Audited{by}: {count(person, 'line')} decided by a person, {accepted} accepted from the machine."
    for rubric in card.snapshot.rubrics:
        yield f"{rubric.title}: version {rubric.version}, in force since {day(rubric.effective_from)}."
    if card.snapshot.imported:
        yield f"The transcript was imported ({card.snapshot.imported}), not made by QA Audit."


def _answer(ports: Ports, actor: Actor, card: CardDetail) -> AnswerPart:
    told, tone = words.state_words(card, ports.clock())
    until, is_over = words.day_of_week(card.answer_by), card.answer_by < ports.clock()
    if card.state == "published" and not is_over and actor.role in STAFF:
        told = f"The vendor has until {until} to answer"
    if is_over:
        dispute = f"The time to dispute a point by answering the mail ended on {until}."
    else:
        dispute = (
            f"You can dispute a point by answering the mail until {until}; "
            "acknowledging does not end that right."
        )
    may = card.state == "published" and can(actor, "acknowledge", card.vendor_key)
    action = url_for("scorecards.acknowledge", id=card.id) if may else None
    shown = dispute if actor.role not in STAFF else ""
    return AnswerPart(told, tone, card.comment, action, shown, scorecards.LONGEST_COMMENT)
