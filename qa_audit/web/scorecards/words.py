"""Words for scorecards: what came out, what is wrong, and where a card is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from qa_audit.domain.findings import Outcome
from qa_audit.domain.scorecard import (
    CardCall,
    CardLine,
    CardRubric,
    CardSection,
    GravestLine,
    Snapshot,
    Summary,
)
from qa_audit.services.scorecard_lists import CardRow
from qa_audit.services.scorecards import RecentAudit
from qa_audit.web.pages import Tone
from qa_audit.web.templating import NOTHING, count, here, percent, when

OUTCOMES: dict[str, str] = {
    "pass": "passed",
    "fail": "not passed",
    "fatal": "a fatal point lost",
    "undetermined": "not decided",
}
STATES: dict[str, str] = {
    "open": "to be answered",
    "unanswered": "not answered in time",
    "acknowledged": "acknowledged",
}
TONES: dict[Outcome, Tone] = {"pass": "good", "fail": "bad", "undetermined": "person"}
GRAVITIES = {"fatal": "Rule broken", "critical": "Critical point lost", "points": "Points lost"}
ENOUGH = 10

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def day_of_week(moment: datetime) -> str:
    """Write a day in the installation's time zone: Thu 12 Nov."""
    local = here(moment)
    return f"{local:%a} {local.day} {local:%b}"


def title_of(call: CardCall) -> str:
    """Name a card: who was on the phone, and what the call was about."""
    title = call.title or call.external_id or "untitled call"
    if call.agent is None:
        return title[:1].upper() + title[1:]
    return f"{call.agent} · {title[:1].lower() + title[1:] if title[1:2].islower() else title}"


def moment_of(call: CardCall) -> tuple[datetime, bool]:
    """Return when the call began by its own clock, or when it was received and True."""
    if call.started_at is not None:
        return call.started_at, False
    return here(call.received_at), True


def headline(problem: GravestLine | None, outcome: Outcome) -> tuple[str, Tone]:
    """Name the problem; where nothing was lost, say so."""
    if problem is not None:
        grave = problem.gravity != "points" or outcome == "fail"
        return f"{GRAVITIES[problem.gravity]}: {problem.question}", "bad" if grave else "person"
    return ("Not decided", "person") if outcome == "undetermined" else ("Every point kept", "good")


def verdict(snapshot: Snapshot) -> str:
    """Say in sentences what came out under every rubric, and why."""
    outcome, grave = snapshot.summary.outcome, _grave(snapshot)
    words = {"pass": "Passed", "fail": "Not passed", "undetermined": "Not decided"}[outcome]
    if grave:
        words += f": {grave}, heard and confirmed by a reviewer"
    elif outcome == "undetermined":
        left = sum(rubric.score.open for rubric in snapshot.rubrics)
        words += f": {count(left, 'line was', 'lines were')} left open" if left else ": nothing was scored"
    ordered = sorted(snapshot.rubrics, key=lambda rubric: rubric.score.outcome != "fail")
    return ". ".join((words, *(_rubric(rubric) for rubric in ordered))) + "."


def _grave(snapshot: Snapshot) -> str:
    """Count the fatal and critical points that were lost; empty without any."""
    counted = (
        (sum(len(rubric.score.fatal) for rubric in snapshot.rubrics), "fatal"),
        (sum(len(rubric.score.critical) for rubric in snapshot.rubrics), "critical"),
    )
    return " and ".join(
        f"{_number(number)} {kind} {'point' if number == 1 else 'points'}"
        for number, kind in counted
        if number
    )


def _rubric(rubric: CardRubric) -> str:
    score = rubric.score
    if score.percent_without_fatal is None:
        return f"{rubric.title}: nothing to score"
    without = " without it" if score.fatal else ""
    mark = f", pass mark {rubric.pass_mark:g}" if score.outcome != "pass" else ""
    return f"{rubric.title} {percent(score.percent_without_fatal)}{without}{mark}"


def section_words(section: CardSection) -> str:
    """Write what a section's score is made of, and how much of the whole it is."""
    if section.percent is None:
        return "nothing counted"
    share = percent(section.weight * 100)
    bonus = " with bonus" if section.points > section.possible else ""
    return f"{section.points:g} of {section.possible:g} points{bonus}, {share} % of the score"


def scores(summary: Summary) -> str:
    """Write the scores of a card for a table; a fatal zero is left out of them."""
    return " · ".join(f"{one.title} {percent(one.percent_without_fatal)}" for one in summary.results)


def mark_of(line: CardLine) -> str:
    """Write what a line cost: the word where one no decides all, else the points."""
    if line.gravity == "fatal":
        return "fatal"
    if line.lost > 0:
        return f"\u2212{line.lost:g}"
    if line.answer == "na":
        return "not applicable"
    if line.points is None:
        return NOTHING
    return f"{line.points:g} of {line.possible:g}" if line.possible else f"+{line.points:g}"


def decided(line: CardLine) -> str:
    """Say where a line's answer comes from: a person, or the machine and who took it over."""
    if line.origin is None:
        return "left open"
    by = line.decided_by or "a reviewer"
    at = f", {when(here(line.decided_at))}" if line.decided_at else ""
    return f"accepted from the machine by {by}{at}" if line.origin != "person" else f"decided by {by}{at}"


def state_words(card: CardRow, now: datetime) -> tuple[str, Tone]:
    """Say where a card is; silence is never taken for a yes."""
    until = day_of_week(card.answer_by)
    if card.state == "acknowledged" and card.acknowledged_at is not None:
        by = f" by {card.acknowledged_by}" if card.acknowledged_by else ""
        return f"Acknowledged{by}, {when(here(card.acknowledged_at))}", "good"
    if card.state != "published":
        return card.state.capitalize(), "plain"
    return (f"Not answered by {until}", "person") if card.answer_by < now else (f"Answer by {until}", "plain")


def others(audits: Sequence[RecentAudit]) -> str:
    """Write between which scores the passed ones lie, per rubric; empty without any."""
    found: dict[str, list[float]] = {}
    for audit in audits:
        for score in () if audit.is_failed else audit.scores:
            if score.percent_without_fatal is not None:
                found.setdefault(score.title, []).append(score.percent_without_fatal)
    return ", ".join(f"{title} {_range(values)}" for title, values in found.items())


def _range(values: Sequence[float]) -> str:
    low, high = percent(min(values)), percent(max(values))
    return low if low == high else f"{low} to {high}"


def _number(value: int) -> str:
    return _NUMBERS[value] if value < len(_NUMBERS) else str(value)
