"""The pages of a draft as their templates read them: the form, the YAML, a try, the differences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from flask import request, url_for

from qa_audit.domain.access import Actor
from qa_audit.domain.findings import PreScore
from qa_audit.domain.rubric import Problem, Rubric, RubricError
from qa_audit.errors import Conflict
from qa_audit.services import rubrics
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_editing import ensure_edits
from qa_audit.services.rubric_files import load_rubric
from qa_audit.services.rubric_trying import recent_calls, try_on
from qa_audit.services.rubrics import Draft
from qa_audit.web.calls.findings import parts_of
from qa_audit.web.calls.single import call_page
from qa_audit.web.calls.transcript import lines_of, marks_of
from qa_audit.web.calls.words import VERDICTS, title_of
from qa_audit.web.pages import Choice, NavItem
from qa_audit.web.rubrics import words
from qa_audit.web.rubrics.draft_pages import EditPage, ProblemLine, TriedLine, TryPage, YamlPage
from qa_audit.web.rubrics.forms import Typed, criterion_form, nav_groups, whole_form
from qa_audit.web.rubrics.pages import DifferencesPage, DraftHead
from qa_audit.web.templating import count, percent, when

TABS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Form", ("rubrics.edit", "rubrics.save")),
    ("YAML", ("rubrics.yaml", "rubrics.save_yaml", "rubrics.check")),
    ("Try on a call", ("rubrics.try_draft", "rubrics.try_call")),
    ("Backtest", ("rubrics.backtest",)),
    ("Differences", ("rubrics.draft_differences",)),
    ("Publish", ("rubrics.publish", "rubrics.publish_now")),
)
BLOCKED = "The draft cannot be read as a rubric yet: mend it in the YAML first."


def head_of(draft: Draft) -> DraftHead:
    """Say which draft it is, and lead to its other pages."""
    based = f", from version {draft.base_version}" if draft.base_version else ""
    saved = f"saved {when(draft.saved_at)} by {draft.saved_by or 'somebody'}"
    return DraftHead(
        id=draft.rubric,
        title=draft.title,
        rubric=url_for("rubrics.show", id=draft.rubric),
        words=f"Draft of version {draft.next_version}{based} · {saved}",
        tabs=tuple(
            NavItem(label, url_for(pages[0], id=draft.rubric), request.endpoint in pages)
            for label, pages in TABS
        ),
        problems=len(draft.problems),
    )


def open_draft(ports: Ports, actor: Actor, id: str) -> tuple[Draft, Rubric | None]:
    """Return a draft for somebody who may change it, and the rubric that it is, unless it cannot be read."""
    ensure_edits(actor)
    draft = rubrics.draft(ports, actor, id)
    try:
        return draft, load_rubric(draft.text)
    except RubricError:
        return draft, None


def base_of(ports: Ports, actor: Actor, draft: Draft) -> Rubric | None:
    """Return the version that a draft began from."""
    if draft.base_version is None:
        return None
    return load_rubric(rubrics.version_text(ports, actor, draft.rubric, draft.base_version))


def edit_page(
    draft: Draft, rubric: Rubric | None, line: str, *, typed: Typed | None = None, error: str = ""
) -> EditPage:
    """Build the form of one criterion, or of the rubric itself where `line` is empty; raises KeyError."""
    ids = ["", *(one.id for one in rubric.criteria)] if rubric else [""]
    if line not in ids:
        raise KeyError(line)
    following = ids[ids.index(line) + 1] if ids.index(line) + 1 < len(ids) else None
    return EditPage(
        head=head_of(draft),
        title=f"Change {draft.title}",
        here=url_for("rubrics.save", id=draft.rubric),
        seen=draft.seen,
        groups=nav_groups(rubric, line) if rubric else (),
        whole=whole_form(rubric, typed) if rubric and not line else None,
        criterion=criterion_form(rubric, line, typed) if rubric and line else None,
        following=following,
        blocked="" if rubric else BLOCKED,
        error=error,
    )


def yaml_page(
    draft: Draft, text: str, problems: Iterable[Problem], *, error: str = "", is_part: bool = False
) -> YamlPage:
    """Build the page of the draft's text, with what is wrong with it where."""
    shown = tuple(ProblemLine(one.line, one.path, one.message, one.severity == "warning") for one in problems)
    wrong, doubts = sum(not one.is_warning for one in shown), sum(one.is_warning for one in shown)
    if wrong:
        verdict = f"{count(wrong, 'thing')} to mend before it can be published."
    else:
        verdict = "Nothing keeps it from being published."
    if doubts:
        verdict += f" {count(doubts, 'place')} to look at."
    return YamlPage(
        head=head_of(draft),
        title=f"The YAML of {draft.title}",
        here=url_for("rubrics.save_yaml", id=draft.rubric),
        check=url_for("rubrics.check", id=draft.rubric),
        seen=draft.seen,
        text=text,
        lines=text.count("\n") + 1,
        problems=shown,
        verdict=verdict,
        error=error,
        is_part=is_part,
    )


def draft_differences_page(ports: Ports, actor: Actor, id: str) -> DifferencesPage:
    """Build the page of what a draft changes."""
    draft, rubric = open_draft(ports, actor, id)
    base = base_of(ports, actor, draft)
    found = rubrics.draft_changes(ports, actor, id) if rubric else ()
    if rubric is None:
        told = BLOCKED
    elif base is None:
        told = "The rubric is new: there is no version before it."
    else:
        told = (
            f"The draft changes {count(len(found), 'thing')} in version {base.version}."
            if found
            else f"The draft is like version {base.version}."
        )
    return DifferencesPage(
        head=head_of(draft),
        title=f"What the draft of {draft.title} changes",
        rubric=url_for("rubrics.show", id=id),
        here=url_for("rubrics.draft_differences", id=id),
        before=(),
        after=(),
        words=told,
        groups=words.group_changes(found, *(one for one in (base, rubric) if one)),
    )


def try_page(ports: Ports, actor: Actor, id: str, call_id: str | None, begin: float) -> TryPage:
    """Build the page of a draft on one call, or of the choice of one."""
    draft, rubric = open_draft(ports, actor, id)
    base = base_of(ports, actor, draft)
    page = TryPage(
        head=head_of(draft),
        title=f"Try the draft of {draft.title}",
        here=url_for("rubrics.try_draft", id=id),
        calls=tuple(
            Choice(row.id, f"{title_of(row)} · {row.vendor_name}", row.id == call_id)
            for row in recent_calls(ports, actor)
        ),
        call_title="", call=None, player=None, turns=(), score="", score_before="", changed=(), same=(),
        blocked="" if rubric else BLOCKED,
    )  # fmt: skip
    if rubric is None or call_id is None:
        return page
    try:
        return _tried(ports, actor, page, rubric, base, call_id, begin)
    except Conflict as error:
        return replace(page, error=error.message)


def _tried(
    ports: Ports, actor: Actor, page: TryPage, rubric: Rubric, base: Rubric | None, call_id: str, begin: float
) -> TryPage:
    tried = try_on(ports, actor, rubric, base, call_id)
    address = url_for("rubrics.try_call", id=rubric.id, call=call_id)
    shown = call_page(ports, actor, tried.call, begin, address)
    lines = _lines(rubric, base, tried.now, tried.before, address)
    transcript = tried.call.transcript
    return TryPage(
        **{name: getattr(page, name) for name in ("head", "title", "here", "calls", "blocked")},
        call_title=shown.title,
        call=url_for("calls.show", id=call_id),
        player=shown.player,
        turns=lines_of(transcript, marks_of([tried.now]), address) if transcript else (),
        score=score_words(tried.now),
        score_before=score_words(tried.before) if tried.before else "",
        changed=tuple(one for one in lines if one.is_changed),
        same=tuple(one for one in lines if not one.is_changed),
    )


def _lines(
    rubric: Rubric, base: Rubric | None, now: PreScore, before: PreScore | None, address: str
) -> tuple[TriedLine, ...]:
    """Put each criterion's answer beside the one of the version before; what is new there has none."""
    (part,) = parts_of([now], {(rubric.id, rubric.version): rubric}, address)
    old = {}
    if base is not None and before is not None:
        (was,) = parts_of([before], {(base.id, base.version): base}, address)
        old = {line.id: line for line in (*was.open, *was.settled)}
    found = []
    for line in (*part.open, *part.settled):
        one = old.get(line.id)
        is_changed = before is not None and (
            one is None or (one.answer, one.points) != (line.answer, line.points)
        )
        told = f"{one.answer} · {one.points}" if one else "this line is new" if before else ""
        found.append(TriedLine(line, told, is_changed))
    return tuple(found)


def score_words(prescore: PreScore) -> str:
    """Say what the machine's answers come to."""
    score = prescore.score
    if score.percent_without_fatal is None:
        return "nothing is decided"
    verdict = VERDICTS[score.outcome][0]
    suspected = ", fatal suspected" if score.suspected_fatal else ""
    return f"{verdict}: {percent(score.percent_without_fatal)} %{suspected}"
