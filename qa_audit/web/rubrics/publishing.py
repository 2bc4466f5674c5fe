"""What a draft would do, before it does it: the backtest, and the question before publishing."""

from __future__ import annotations

from collections.abc import Iterator

from flask import url_for

from qa_audit.domain.access import Actor
from qa_audit.domain.rubric import Rubric
from qa_audit.services import backtesting, rubrics
from qa_audit.services.backtesting import Agreement, Backtest, CheckShift, Flip, Side, VendorShift
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_trials import Trial, run_examples
from qa_audit.services.rubrics import Draft
from qa_audit.web.pages import Tone
from qa_audit.web.rubrics import words
from qa_audit.web.rubrics.draft_pages import (
    BacktestPage,
    CheckRow,
    Figure,
    FlipRow,
    PublishPage,
    VendorRow,
)
from qa_audit.web.rubrics.drafts import BLOCKED, base_of, head_of, open_draft
from qa_audit.web.rubrics.pages import Detail
from qa_audit.web.templating import NOTHING, count, day, percent

OUTCOMES = {"pass": "passed", "fail": "not passed", "undetermined": "undecided"}
NEW = "The rubric is new: there is no version whose audits it could be held against."
FEW_FLIPS = 5
HEARD_AGAIN = 150
"""So many of the newest calls the machine hears again for a page; the command takes its time for more."""


def backtest_page(ports: Ports, actor: Actor, id: str, with_sample: bool = False) -> BacktestPage:
    """Build the page of what a draft would have done to stored audits."""
    draft, rubric = open_draft(ports, actor, id)
    found = run(ports, actor, draft, rubric, with_sample)
    blocked = BLOCKED if rubric is None else NEW if found is None else ""
    base = base_of(ports, actor, draft)
    return BacktestPage(
        head=head_of(draft),
        title=f"Backtest of {draft.title}",
        blocked=blocked,
        summary=summary(found) if found else "",
        notes=tuple(_notes(found)) if found else (),
        sample=_sample(id, found, with_sample),
        figures=tuple(_figures(found)) if found and found.audits else (),
        flips=tuple(_flip(flip) for flip in found.flips) if found else (),
        more_flips=max(0, found.to_fail + found.to_pass + found.to_open - len(found.flips)) if found else 0,
        vendors=tuple(_vendor(one) for one in found.vendors) if found else (),
        checks=tuple(_check(one) for one in found.checks) if found else (),
        not_backtested=tuple(Detail(one.title, one.reason) for one in found.not_backtested) if found else (),
        groups=words.group_changes(found.changes, *(one for one in (base, rubric) if one)) if found else (),
    )


def _sample(id: str, found: Backtest | None, with_sample: bool) -> tuple[str, str] | None:
    """Return words and address of the same page with, or without, the sample history; None where there is none."""
    if with_sample:
        return "Leave the sample history out", url_for("rubrics.backtest", id=id)
    if found is None or not found.samples_left_out:
        return None
    return "Count the sample history too", url_for("rubrics.backtest", id=id, sample="yes")


def run(
    ports: Ports, actor: Actor, draft: Draft, rubric: Rubric | None, with_sample: bool = False
) -> Backtest | None:
    """Backtest a draft against the version that it began from; None where there is none, or no rubric yet."""
    if rubric is None or draft.base_version is None:
        return None
    against = (draft.rubric, draft.base_version)
    return backtesting.backtest(
        ports, actor, draft.text, against, newest=HEARD_AGAIN, with_sample=with_sample
    )


def summary(found: Backtest) -> str:
    """Say in a sentence or two what a change would have done."""
    if not found.audits:
        return (
            f"No finished audit keeps to version {found.against} yet, so there is nothing to hold it against."
        )
    told = f"On {count(found.audits, 'finished audit')}: "
    if not found.changed:
        return f"{told}no score changes."
    shift = "" if found.shift_mean is None else f", by {_signed(found.shift_mean)} points on average over all"
    parts = [f"{count(found.changed, 'score')} would change{shift}"]
    parts += [f"{count(found.to_fail, 'call')} would no longer pass"] if found.to_fail else []
    parts += [f"{count(found.to_pass, 'call')} would pass"] if found.to_pass else []
    parts += [f"{count(found.to_open, 'call')} would change to or from undecided"] if found.to_open else []
    flips = found.to_fail + found.to_pass + found.to_open
    return told + "; ".join(parts) + ("." if flips else "; no outcome changes.")


def _notes(found: Backtest) -> Iterator[str]:
    if found.left_out:
        yield f"{count(found.left_out, 'audit')} left out: other lines than version {found.against}."
    if found.samples_left_out:
        yield f"{count(found.samples_left_out, 'audit')} of sample history left out."
    if found.heard:
        newest = "the newest " if found.heard == HEARD_AGAIN else ""
        more = " 'qa-audit rubric backtest' hears more." if newest else ""
        yield f"The machine heard {newest}{count(found.heard, 'call')} again, because its rules change.{more}"


def _figures(found: Backtest) -> Iterator[Figure]:
    before, after = found.before, found.after
    yield Figure("mean score, fatal zeros left out", _mean(before), _mean(after))
    yield Figure("passed", f"{before.passed:,}", f"{after.passed:,}")
    yield Figure("not passed", f"{before.failed:,}", f"{after.failed:,}")
    yield Figure("undecided", f"{before.undetermined:,}", f"{after.undetermined:,}")


def _mean(side: Side) -> str:
    return (
        NOTHING if side.mean is None else f"{percent(round(side.mean, 1))} ± {percent(round(side.spread, 1))}"
    )


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "\u2212")


def _flip(flip: Flip) -> FlipRow:
    tone: Tone = "bad" if flip.after == "fail" else "good" if flip.after == "pass" else "person"
    return FlipRow(
        title=flip.title or "Untitled call",
        address=url_for("calls.show", id=flip.call),
        vendor=flip.vendor,
        before=f"{OUTCOMES[flip.before]}, {percent(flip.percent_before)}",
        after=f"{OUTCOMES[flip.after]}, {percent(flip.percent_after)}",
        tone=tone,
    )


def _vendor(one: VendorShift) -> VendorRow:
    flips = [f"{one.to_fail} no longer"] if one.to_fail else []
    flips += [f"{one.to_pass} newly"] if one.to_pass else []
    return VendorRow(
        name=one.name,
        audits=count(one.audits, "audit"),
        scores=f"{_mean(one.before)} → {_mean(one.after)}",
        flips=", ".join(flips) or "none",
        rank=_moved(_rank(one.rank_before), _rank(one.rank_after)),
        verdict=_moved(one.verdict_before, one.verdict_after),
        is_flipped=one.flips,
    )


def _rank(rank: int | None) -> str:
    return "too few to rank" if rank is None else f"place {rank}"


def _moved(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _check(one: CheckShift) -> CheckRow:
    accepted = f", {one.accepted} of the people's answers were the old machine's" if one.accepted else ""
    return CheckRow(
        title=one.title,
        changed=f"{one.changed} of {count(one.calls, 'call')}{accepted}",
        before=_agreement(one.before),
        after=_agreement(one.after),
    )


def _agreement(one: Agreement) -> str:
    left = f", {one.open} left to people" if one.open else ""
    return f"{one.agreed} of {one.decided} decided answers as people's{left}"


def publish_page(ports: Ports, actor: Actor, id: str, error: str = "") -> PublishPage:
    """Build the question before publishing: what changes, what it would have done, what will happen."""
    draft, rubric = open_draft(ports, actor, id)
    base = base_of(ports, actor, draft)
    trials = run_examples(rubric) if rubric else ()
    failing = [trial for trial in trials if not trial.passed]
    found = run(ports, actor, draft, rubric)
    changes = rubrics.draft_changes(ports, actor, id) if rubric else ()
    return PublishPage(
        head=head_of(draft),
        title=f"Publish version {draft.next_version} of {draft.title}",
        here=url_for("rubrics.publish_now", id=id),
        seen=draft.seen,
        obstacles=tuple(_obstacles(draft, rubric, failing)),
        groups=words.group_changes(changes, *(one for one in (base, rubric) if one)),
        is_first=draft.base_version is None,
        summary=summary(found) if found else NEW if rubric else "",
        flips=tuple(_flip(flip) for flip in found.flips[:FEW_FLIPS]) if found else (),
        examples=_examples(trials, failing),
        consequences=tuple(_consequences(draft, rubric)) if rubric else (),
        button=f"Publish version {draft.next_version}",
        error=error,
    )


def _obstacles(draft: Draft, rubric: Rubric | None, failing: list[Trial]) -> Iterator[str]:
    for problem in draft.problems:
        yield str(problem)
    for trial in failing:
        title = rubric.criterion(trial.criterion).title if rubric else trial.criterion
        yield f"{title}, example {trial.place}: expected {trial.expected}, found {trial.found}. {trial.reason}"


def _examples(trials: tuple[Trial, ...], failing: list[Trial]) -> str:
    if not trials:
        return "The rubric has no examples to be tried on."
    if failing:
        return f"{len(failing)} of {count(len(trials), 'example')} fail."
    return f"All {count(len(trials), 'example')} pass." if len(trials) > 1 else "Its example passes."


def _consequences(draft: Draft, rubric: Rubric) -> Iterator[str]:
    yield f"Calls made on or after {day(rubric.effective_from)} are scored by version {draft.next_version}."
    yield "Audits that have begun keep the version that they began with, and published scorecards stay as they are."
    yield "The version can never be changed again; a further change is a further version."
