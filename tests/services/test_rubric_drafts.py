"""Rubrics change through one draft each, are published as versions that stay, and archived when they are over."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime

import pytest
from sqlmodel import select

from qa_audit.domain.access import SYSTEM, Actor
from qa_audit.domain.rubric import RubricError
from qa_audit.errors import Conflict, Forbidden, Invalid, NotFound
from qa_audit.runtime import Runtime
from qa_audit.services import reviewing, rubrics
from qa_audit.services.rubric_files import MAX_BYTES, load_rubric
from qa_audit.storage import results, tables
from tests import auditing, factories

TEXT = """\
# Kept by the quality team.
id: manners
version: 1   # the first
title: Manners
effective_from: 2026-01-01
pass_mark: 80
sections:
  - id: only
    title: Only section
    criteria:
      - id: polite
        title: Is polite
        points: 6
        check: {kind: said, what: a greeting, any: [good morning]}
        examples:
          - {lines: ["A: good morning, how are you", "C: fine thank you and you"], answer: "yes"}
"""
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _clock(runtime: Runtime) -> None:
    runtime.clock = lambda: NOW


@pytest.fixture
def admin(runtime: Runtime) -> Actor:
    """An admin who has an account, and the rubric 'manners' in version 1."""
    with runtime.db.write() as session:
        user = factories.make_user(session, "admin", name="Ada Admin")
        auditing.rubric_row(session, TEXT)
    return Actor(id=user.public_id, role="admin", name="Ada Admin")


def events(runtime: Runtime) -> list[tuple[str, str, str]]:
    with runtime.db.read() as session:
        rows = session.exec(select(tables.Event).order_by(tables.Event.id)).all()  # type: ignore[arg-type]
        return [(row.actor, row.action, row.thing) for row in rows if row.kind == "rubric"]


def published(runtime: Runtime, admin: Actor, change: tuple[str, str] = ("points: 6", "points: 7")) -> int:
    begun = rubrics.open_draft(runtime, admin, "manners", 1)
    saved = rubrics.save_draft(runtime, admin, "manners", begun.text.replace(*change), begun.seen)
    return rubrics.publish_draft(runtime, admin, "manners", saved.seen)


def test_a_draft_begins_as_the_version_with_the_next_number_and_today(runtime: Runtime, admin: Actor) -> None:
    begun = rubrics.open_draft(runtime, admin, "manners", 1)
    assert "# Kept by the quality team." in begun.text
    assert "version: 2   # the first" in begun.text
    assert "effective_from: 2026-11-22" in begun.text
    assert (begun.base_version, begun.next_version, begun.begun_by) == (1, 2, "Ada Admin")
    assert begun.is_valid
    assert rubrics.open_draft(runtime, admin, "manners", 1) == begun
    assert rubrics.drafts(runtime, admin) == (begun,)


def test_a_draft_that_is_no_rubric_is_kept_and_says_where_it_is_wrong(runtime: Runtime, admin: Actor) -> None:
    begun = rubrics.open_draft(runtime, admin, "manners", 1)
    broken = begun.text.replace("pass_mark: 80", "pass_marc: 80")
    saved = rubrics.save_draft(runtime, admin, "manners", broken, begun.seen)
    assert saved.text == broken
    assert ("pass_marc", 6) in {(problem.path, problem.line) for problem in saved.problems}
    with pytest.raises(RubricError, match="did you mean 'pass_mark'"):
        rubrics.publish_draft(runtime, admin, "manners", saved.seen)
    assert rubrics.draft(runtime, admin, "manners") == saved


def test_nobody_overwrites_a_newer_draft(runtime: Runtime, admin: Actor) -> None:
    begun = rubrics.open_draft(runtime, admin, "manners", 1)
    newer = rubrics.save_draft(runtime, admin, "manners", begun.text + "# one\n", begun.seen)
    with pytest.raises(Conflict, match="Ada Admin saved this draft"):
        rubrics.save_draft(runtime, admin, "manners", begun.text + "# two\n", begun.seen)
    with pytest.raises(Conflict):
        rubrics.publish_draft(runtime, admin, "manners", begun.seen)
    with pytest.raises(Conflict):
        rubrics.discard_draft(runtime, admin, "manners", begun.seen)
    assert rubrics.draft(runtime, admin, "manners").text == newer.text
    assert rubrics.save_draft(runtime, admin, "manners", newer.text, newer.seen).seen == newer.seen


def test_publishing_adds_a_version_that_stays(runtime: Runtime, admin: Actor) -> None:
    before = rubrics.version_text(runtime, admin, "manners", 1)
    assert published(runtime, admin) == 2
    assert rubrics.version_text(runtime, admin, "manners", 1) == before
    assert "points: 7" in rubrics.version_text(runtime, admin, "manners", 2)
    (shown,) = rubrics.overview(runtime, admin)
    assert [(one.version, one.state, one.published_by) for one in shown.versions] == [
        (2, "published", "Ada Admin"),
        (1, "published", ""),
    ]
    assert (shown.in_effect, shown.draft) == (2, None)
    assert [str(one) for one in rubrics.version_changes(runtime, admin, "manners", 1, 2)][-1] == (
        "polite: points 6 → 7"
    )
    assert events(runtime) == [
        (admin.id, "rubric.draft_begun", "manners"),
        (admin.id, "rubric.draft_saved", "manners"),
        (admin.id, "rubric.published", "manners"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("version: 2", "version: 1", r"line 3: version: must be 2"),
        ("version: 2", "version: 4", r"line 3: version: must be 2"),
        ("id: manners", "id: grace", r"line 2: id: must stay 'manners'"),
        ("2026-11-22", "2025-12-31", r"line 5: effective_from: must not lie before 2026-01-01"),
    ],
)
def test_number_id_and_date_have_to_follow_the_newest(
    runtime: Runtime, admin: Actor, old: str, new: str, problem: str
) -> None:
    with pytest.raises(RubricError, match=problem):
        published(runtime, admin, (old, new))
    assert rubrics.draft(runtime, admin, "manners").base_version == 1


def test_a_failing_example_is_named_and_keeps_a_draft_from_being_published(
    runtime: Runtime, admin: Actor
) -> None:
    with pytest.raises(
        rubrics.FailingExamples, match="example 1 of 'polite': expected yes, found no"
    ) as caught:
        published(runtime, admin, ("any: [good morning]", "any: [a very warm welcome]"))
    assert [trial.criterion for trial in caught.value.trials] == ["polite"]
    with pytest.raises(NotFound):
        rubrics.version_text(runtime, admin, "manners", 2)


def test_of_two_who_publish_at_once_one_wins(runtime: Runtime, admin: Actor) -> None:
    begun = rubrics.open_draft(runtime, admin, "manners", 1)
    barrier = threading.Barrier(2)

    def publish(_: int) -> str:
        barrier.wait()
        try:
            return f"version {rubrics.publish_draft(runtime, admin, 'manners', begun.seen)}"
        except Conflict:
            return "too late"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(publish, range(2))) == ["too late", "version 2"]
    (shown,) = rubrics.overview(runtime, admin)
    assert [one.version for one in shown.versions] == [2, 1]


def test_an_archived_version_applies_to_no_new_call_and_stays_for_its_audits(
    runtime: Runtime, admin: Actor
) -> None:
    with runtime.db.write() as session:
        side = auditing.make_side(session)
        source = TEXT.replace("version: 1   # the first", "version: 1")
        call = auditing.make_audited(session, side, {"polite": "yes"}, source=source)
        other = factories.make_call(session, side.vendor)
        factories.make_recording(session, other)
    published(runtime, admin)

    def applying() -> list[int]:
        with runtime.db.read() as session:
            subject = results.subject(session, other.id or 0)
            day = datetime(2026, 11, 23, 12, tzinfo=UTC)
            found = rubrics.applicable(session, type(subject)(**{**vars(subject), "started_at": day}))
            return [rubric.version for _, rubric in found]

    assert applying() == [2]
    rubrics.archive(runtime, admin, "manners", 2)
    assert applying() == [1]
    rubrics.archive(runtime, admin, "manners", 1)
    rubrics.archive(runtime, admin, "manners", 1)
    assert applying() == []
    assert rubrics.version_text(runtime, admin, "manners", 1).startswith("# Kept")
    view = reviewing.show(runtime, admin, call.public_id)
    assert [part.rubric.version for part in view.parts] == [1]
    (shown,) = rubrics.overview(runtime, admin)
    assert [(one.state, one.audits) for one in shown.versions] == [("archived", 0), ("archived", 1)]
    assert shown.in_effect is None
    assert [action for _, action, _ in events(runtime)].count("rubric.archived") == 2
    assert published(runtime, admin) == 3


def test_a_rubric_is_begun_from_scratch_or_as_a_copy(runtime: Runtime, admin: Actor) -> None:
    scratch = rubrics.begin_rubric(runtime, admin, "billing", "It's about: bills # now")
    assert load_rubric(scratch.text).title == "It's about: bills # now"
    assert (scratch.base_version, scratch.next_version, scratch.is_valid) == (None, 1, True)
    assert rubrics.publish_draft(runtime, admin, "billing", scratch.seen) == 1
    copy = rubrics.begin_rubric(runtime, admin, "grace", "Grace", ("manners", 1))
    rubric = load_rubric(copy.text)
    assert (rubric.id, rubric.version, rubric.title) == ("grace", 1, "Grace")
    assert rubric.effective_from == date(2026, 11, 22)
    assert "# Kept by the quality team." in copy.text
    assert [one.id for one in rubrics.overview(runtime, admin)] == ["billing", "grace", "manners"]
    for taken in ("grace", "manners"):
        with pytest.raises(Conflict, match="already"):
            rubrics.begin_rubric(runtime, admin, taken, "Again")
    with pytest.raises(Invalid) as caught:
        rubrics.begin_rubric(runtime, admin, "No Such Id", " ")
    assert set(caught.value.fields) == {"id", "title"}


def test_what_no_database_can_keep_is_refused(runtime: Runtime, admin: Actor) -> None:
    begun = rubrics.open_draft(runtime, admin, "manners")
    for text in ("id: a\0b", "id: \ud800", "x" * (MAX_BYTES + 1)):
        with pytest.raises(Invalid):
            rubrics.save_draft(runtime, admin, "manners", text, begun.seen)
    assert rubrics.draft(runtime, admin, "manners") == begun


def test_only_admins_change_rubrics_and_all_staff_read_them(runtime: Runtime, admin: Actor) -> None:
    rubrics.open_draft(runtime, admin, "manners", 1)
    for role in ("reviewer", "viewer"):
        reader = Actor(id="x", role=role)  # type: ignore[arg-type]
        assert rubrics.overview(runtime, reader)
        assert rubrics.drafts(runtime, reader)
        for change in (
            lambda who: rubrics.open_draft(runtime, who, "manners", 1),
            lambda who: rubrics.save_draft(runtime, who, "manners", "x", 1),
            lambda who: rubrics.publish_draft(runtime, who, "manners", 1),
            lambda who: rubrics.discard_draft(runtime, who, "manners", 1),
            lambda who: rubrics.archive(runtime, who, "manners", 1),
            lambda who: rubrics.begin_rubric(runtime, who, "other", "Other"),
        ):
            with pytest.raises(Forbidden):
                change(reader)
    with pytest.raises(NotFound):
        rubrics.overview(runtime, Actor(id="x", role="manager", vendor_id=1))


def test_a_discarded_draft_is_gone(runtime: Runtime, admin: Actor) -> None:
    begun = rubrics.open_draft(runtime, admin, "manners", 1)
    rubrics.discard_draft(runtime, admin, "manners", begun.seen)
    assert rubrics.drafts(runtime, admin) == ()
    with pytest.raises(NotFound):
        rubrics.draft(runtime, admin, "manners")


def test_a_bundled_rubric_that_somebody_changed_is_theirs(runtime: Runtime, tmp_path) -> None:
    runtime.rubrics_dir = tmp_path
    path = tmp_path / "manners.yaml"
    path.write_text(TEXT, encoding="utf-8")
    assert rubrics.sync_bundled(runtime) == 1
    assert published(runtime, SYSTEM) == 2
    path.write_text(TEXT.replace("version: 1", "version: 2"), encoding="utf-8")
    assert rubrics.sync_bundled(runtime) == 0
    path.write_text(TEXT.replace("version: 1", "version: 3"), encoding="utf-8")
    assert rubrics.sync_bundled(runtime) == 0
    (shown,) = rubrics.overview(runtime, SYSTEM)
    assert [(one.version, one.bundled) for one in shown.versions] == [(2, False), (1, True)]


def test_a_rubric_for_long_calls_is_not_for_a_short_one(runtime: Runtime) -> None:
    with runtime.db.write() as session:
        factories.make_rubric_version(
            session,
            rubric="manners",
            source=TEXT.replace("pass_mark", "applies_to: {least_seconds: 30}\npass_mark"),
        )
        vendor = factories.make_vendor(session)
        keys = []
        for seconds in (29.0, 30.0, None):
            call = factories.make_call(session, vendor, duration=seconds)
            factories.make_recording(session, call)
            keys.append(call.id)
    with runtime.db.read() as session:
        found = [len(rubrics.applicable(session, results.subject(session, key))) for key in keys]
    assert found == [0, 1, 1]
