"""Rubrics as their templates read them: the list, one version, what changed between two."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flask import url_for

from qa_audit.domain.access import Actor, can
from qa_audit.domain.rubric import Criterion, Rubric, Section
from qa_audit.domain.score import true_shares
from qa_audit.errors import NotFound
from qa_audit.services import rubrics
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_files import load_rubric
from qa_audit.services.rubrics import RubricOverview, VersionInfo
from qa_audit.web.calls.findings import tag_of
from qa_audit.web.pages import Choice, Tone
from qa_audit.web.review.lines import points_words
from qa_audit.web.rubrics import words
from qa_audit.web.rubrics.pages import (
    CriterionView,
    DifferencesPage,
    ListPage,
    RubricPage,
    RubricRow,
    SectionView,
    VersionLine,
)
from qa_audit.web.templating import NOTHING, count, day, here, when

DRAFT = "draft"
"""What stands in an address for the draft, in place of a version's number."""


def may_edit(actor: Actor) -> bool:
    """Say whether somebody may change rubrics."""
    return can(actor, "rubric.edit") and actor.vendor_id is None


def overview_of(ports: Ports, actor: Actor, id: str) -> RubricOverview:
    """Return one rubric with its versions; raises NotFound."""
    for found in rubrics.overview(ports, actor):
        if found.id == id:
            return found
    raise NotFound("There is no such rubric.")


def list_page(
    ports: Ports, actor: Actor, *, id: str = "", new_title: str = "", copy_of: str = "", error: str = ""
) -> ListPage:
    """Build the list of rubrics; the rest is what was typed for a new one."""
    found = rubrics.overview(ports, actor)
    copies = tuple(
        Choice(value, f"a copy of {one.title}, version {one.versions[0].version}", value == copy_of)
        for one in found
        if one.versions
        for value in (f"{one.id}@{one.versions[0].version}",)
    )
    rows = tuple(_row(one, may_edit(actor)) for one in found)
    return ListPage(rows, copies if may_edit(actor) else None, id, new_title, error)


def _row(one: RubricOverview, edits: bool) -> RubricRow:
    shown = _shown(one)
    state: tuple[str, Tone] = (
        words.version_words(shown, one.in_effect) if shown else ("not published", "person")
    )
    draft = ""
    if one.draft:
        wrong = f", {count(len(one.draft.problems), 'problem')}" if one.draft.problems else ""
        draft = f"draft by {one.draft.saved_by or 'somebody'}{wrong}"
    return RubricRow(
        id=one.id,
        address=url_for("rubrics.show", id=one.id),
        title=one.title,
        version=f"version {shown.version}" if shown else "no version yet",
        since=f"from {day(shown.effective_from)}" if shown else NOTHING,
        state=state[0],
        tone=state[1],
        draft=draft,
        draft_address=url_for("rubrics.edit", id=one.id) if one.draft and edits else None,
    )


def _shown(one: RubricOverview) -> VersionInfo | None:
    """Return the version in force, else the newest."""
    return next((v for v in one.versions if v.version == one.in_effect), next(iter(one.versions), None))


def show_page(ports: Ports, actor: Actor, id: str, version: int | None) -> RubricPage:
    """Build the page of one version, by default the one in force; raises NotFound."""
    one = overview_of(ports, actor, id)
    shown = _shown(one) if version is None else _version(one, version)
    rubric = load_rubric(rubrics.version_text(ports, actor, id, shown.version)) if shown else None
    state: tuple[str, Tone] = (
        words.version_words(shown, one.in_effect) if shown else ("not published", "person")
    )
    edits = may_edit(actor)
    older = [info.version for info in one.versions if shown and info.version < shown.version]
    return RubricPage(
        title=rubric.title if rubric else one.title,
        version=shown.version if shown else None,
        state=state[0],
        tone=state[1],
        facts=_facts(rubric, shown),
        description=rubric.description if rubric else "",
        details=words.rubric_details(rubric) if rubric else (),
        sections=_sections(rubric) if rubric else (),
        versions=tuple(_line(info, one, shown) for info in one.versions),
        differences=url_for("rubrics.differences", id=id, before=older[0], after=shown.version)
        if shown and older
        else None,
        corrections=url_for("rubrics.corrections", id=id),
        edit=url_for("rubrics.begin_draft", id=id) if edits and shown and not one.draft else None,
        draft=url_for("rubrics.edit", id=id) if edits and one.draft else None,
        draft_words=_draft_words(one),
        archive=url_for("rubrics.archive", id=id) if edits and shown and shown.state == "published" else None,
    )


def _version(one: RubricOverview, version: int) -> VersionInfo:
    for info in one.versions:
        if info.version == version:
            return info
    raise NotFound("There is no such version.")


def _draft_words(one: RubricOverview) -> str:
    if one.draft is None:
        return ""
    saved = when(here(one.draft.saved_at))
    return f"There is a draft of version {one.draft.next_version}, saved {saved} by {one.draft.saved_by or 'somebody'}."


def _facts(rubric: Rubric | None, info: VersionInfo | None) -> tuple[str, ...]:
    if rubric is None or info is None:
        return ()
    return (
        f"version {info.version}",
        f"for calls from {day(info.effective_from)}",
        f"pass mark {rubric.pass_mark:g}",
        count(len(rubric.criteria), "criterion", "criteria"),
        words.published_words(info),
    )


def _line(info: VersionInfo, one: RubricOverview, shown: VersionInfo | None) -> VersionLine:
    state, tone = words.version_words(info, one.in_effect)
    return VersionLine(
        label=f"Version {info.version}",
        address=url_for("rubrics.show", id=one.id, version=info.version),
        is_here=shown is not None and info.version == shown.version,
        state=state,
        tone=tone,
        words=f"for calls from {day(info.effective_from)} · {words.published_words(info)}",
    )


def _sections(rubric: Rubric) -> tuple[SectionView, ...]:
    shares = true_shares(rubric)
    return tuple(
        SectionView(
            id=section.id,
            title=section.title,
            share=words.share_words(section_share(section, shares)),
            criteria=tuple(_criterion(one, shares[one.id]) for one in section.criteria),
        )
        for section in rubric.sections
    )


def section_share(section: Section, shares: dict[str, Fraction]) -> Fraction:
    """Return which part of the whole score a section is."""
    return sum((shares[one.id] for one in section.criteria), Fraction(0))


def _criterion(criterion: Criterion, share: Fraction) -> CriterionView:
    return CriterionView(
        id=criterion.id,
        code=criterion.code or "",
        title=criterion.title,
        tag=tag_of(criterion),
        points=points_words(criterion),
        share="bonus" if criterion.bonus else words.share_words(share),
        guidance=criterion.guidance,
        how=words.how(criterion),
        details=words.criterion_details(criterion),
    )


def differences_page(
    ports: Ports, actor: Actor, id: str, before: int | None, after: int | None
) -> DifferencesPage:
    """Build the page of what changed between two versions, by default the newest two; raises NotFound."""
    one = overview_of(ports, actor, id)
    numbers = [info.version for info in one.versions]
    new = after if after is not None else next(iter(numbers), 0)
    old = before if before is not None else next((number for number in numbers if number < new), new)
    for number in (old, new):
        _version(one, number)
    texts = [load_rubric(rubrics.version_text(ports, actor, id, number)) for number in (old, new)]
    found = rubrics.version_changes(ports, actor, id, old, new)
    return DifferencesPage(
        head=None,
        title=f"{one.title}: version {old} and version {new}",
        rubric=url_for("rubrics.show", id=id),
        here=url_for("rubrics.differences", id=id),
        before=_choices(numbers, old),
        after=_choices(numbers, new),
        words=_changes_words(len(found), f"Version {new}", f"version {old}"),
        groups=words.group_changes(found, *texts),
    )


def _choices(numbers: Sequence[int], chosen: int) -> tuple[Choice, ...]:
    return tuple(Choice(str(number), f"version {number}", number == chosen) for number in numbers)


def _changes_words(number: int, new: str, old: str) -> str:
    return f"{new} changes {count(number, 'thing')} in {old}." if number else f"{new} is like {old}."
