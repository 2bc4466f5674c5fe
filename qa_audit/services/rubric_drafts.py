"""How a rubric changes: one draft, published as a version that never changes again, archived when it is over."""

from __future__ import annotations

import re
from datetime import date
from zoneinfo import ZoneInfo

from qa_audit.domain.access import Actor, ensure
from qa_audit.domain.rubric import Problem, Rubric, RubricError
from qa_audit.domain.rubric.changes import Change, changes
from qa_audit.errors import Conflict, Invalid, NotFound
from qa_audit.services import rubric_texts
from qa_audit.services.managing import note
from qa_audit.services.ports import Ports
from qa_audit.services.rubric_editing import ensure_edits
from qa_audit.services.rubric_files import MAX_BYTES, load_rubric
from qa_audit.services.rubric_trials import run_examples
from qa_audit.services.rubric_views import (
    Draft,
    FailingExamples,
    RubricOverview,
    draft_of,
    known_draft,
    known_version,
    overview_of,
    problems_of,
)
from qa_audit.storage import rubrics as store
from qa_audit.storage.database import IntegrityError, Session
from qa_audit.storage.rubrics import StoredDraft, VersionFacts

_ID = re.compile(r"[a-z][a-z0-9-]{0,39}")


def drafts(ports: Ports, actor: Actor) -> tuple[Draft, ...]:
    """Return every draft by the rubric's id."""
    ensure(actor, "rubric.read")
    with ports.db.read() as session:
        return tuple(draft_of(session, found) for found in store.drafts(session))


def draft(ports: Ports, actor: Actor, rubric_id: str) -> Draft:
    """Return a rubric's draft; raises NotFound where there is none."""
    ensure(actor, "rubric.read")
    with ports.db.read() as session:
        return draft_of(session, known_draft(session, rubric_id))


def overview(ports: Ports, actor: Actor) -> tuple[RubricOverview, ...]:
    """Return every rubric by id: its versions and its draft, which may be all that there is of it."""
    ensure(actor, "rubric.read")
    with ports.db.read() as session:
        found: dict[str, list[VersionFacts]] = {}
        for version in store.versions(session):
            found.setdefault(version.stored.rubric, []).append(version)
        begun = {one.rubric: draft_of(session, one) for one in store.drafts(session)}
    today = _today(ports)
    return tuple(overview_of(id, found.get(id, []), begun.get(id), today) for id in sorted({*found, *begun}))


def open_draft(ports: Ports, actor: Actor, rubric_id: str, from_version: int | None = None) -> Draft:
    """Return a rubric's draft, begun from a version (the newest by default) unless there is one already.

    Its text is the version's with the next version number and today's date, comments kept. Raises NotFound.
    """
    ensure_edits(actor)
    with ports.db.write() as session:
        if store.drafts(session, rubric_id):
            return draft_of(session, known_draft(session, rubric_id))
        newest = store.newest(session, rubric_id)
        if newest is None:
            raise NotFound(f"There is no rubric '{rubric_id}'.")
        base = known_version(session, rubric_id, from_version or newest.version)
        text = rubric_texts.with_line(base.source, "version", str(newest.version + 1))
        text = rubric_texts.with_line(
            text, "effective_from", max(_today(ports), newest.effective_from).isoformat()
        )
        _begin(session, ports, actor, rubric_id, base.title, base.version, text)
        return draft_of(session, known_draft(session, rubric_id))


def begin_rubric(
    ports: Ports, actor: Actor, rubric_id: str, title: str, copy_of: tuple[str, int] | None = None
) -> Draft:
    """Begin a rubric that is not there yet, from scratch or as a copy of a version of another one.

    Raises Invalid for an id or title that cannot be, Conflict when the id is taken, NotFound for the copied one.
    """
    ensure_edits(actor)
    title = " ".join(title.split())
    wrong = {}
    if not _ID.fullmatch(rubric_id):
        wrong["id"] = "must be small letters, digits and hyphens, 40 at most, such as 'billing-calls'"
    if not title or len(title) > 250 or not rubric_texts.is_storable(title):
        wrong["title"] = "is missing or too long"
    if wrong:
        raise Invalid("The rubric cannot be begun like this.", wrong)
    try:
        with ports.db.write() as session:
            if store.newest(session, rubric_id) is not None:
                raise Conflict(f"There is already a rubric '{rubric_id}'.")
            if copy_of is None:
                text = rubric_texts.begun(rubric_id, title, _today(ports))
            else:
                text = rubric_texts.copied(
                    known_version(session, *copy_of).source, rubric_id, title, _today(ports)
                )
            _begin(session, ports, actor, rubric_id, title, None, text)
            return draft_of(session, known_draft(session, rubric_id))
    except IntegrityError as error:
        raise Conflict(f"There is already a draft of a rubric '{rubric_id}'.") from error


def save_draft(ports: Ports, actor: Actor, rubric_id: str, text: str, seen: int) -> Draft:
    """Keep a draft's text, valid or not, and return the draft with what is wrong with it.

    `seen` is that of the draft that was edited. Raises Conflict when somebody saved another text since, Invalid
    for a text that cannot be kept at all (too large), NotFound.
    """
    ensure_edits(actor)
    text = text.replace("\r\n", "\n")
    if len(text.encode("utf-8", errors="surrogatepass")) > MAX_BYTES:
        raise Invalid(f"A rubric may have at most {MAX_BYTES} bytes.", {"text": "is too large"})
    if not rubric_texts.is_storable(text):
        raise Invalid("The text holds characters that no text can hold.", {"text": "is not text"})
    with ports.db.write() as session:
        before = _held_draft(session, rubric_id, seen)
        if before.source == text:
            return draft_of(session, before)
        title = rubric_texts.title_in(text) or before.title
        if not store.save_draft(
            session, rubric_id, seen, title=title, source=text, by=actor.id, now=ports.clock()
        ):
            raise _overtaken(before)
        note(session, ports, actor, "rubric.draft_saved", "rubric", rubric_id, seen=seen + 1)
        return draft_of(session, known_draft(session, rubric_id))


def discard_draft(ports: Ports, actor: Actor, rubric_id: str, seen: int) -> None:
    """Throw a draft away; raises Conflict when somebody saved another text since, NotFound."""
    ensure_edits(actor)
    with ports.db.write() as session:
        before = _held_draft(session, rubric_id, seen)
        if not store.remove_draft(session, rubric_id, seen):
            raise _overtaken(before)
        note(session, ports, actor, "rubric.draft_discarded", "rubric", rubric_id)


def publish_draft(ports: Ports, actor: Actor, rubric_id: str, seen: int) -> int:
    """Publish a draft as the rubric's next version, and return its number; the draft is gone then.

    Raises RubricError with every problem of the text (also a version number that is not the next one, and a date
    before the newest version's), FailingExamples, Conflict when somebody saved or published meanwhile, NotFound.
    """
    ensure_edits(actor)
    with ports.db.read() as session:
        begun = _held_draft(session, rubric_id, seen)
        problems = problems_of(session, rubric_id, begun.source)
        _held_draft(session, rubric_id, seen)  # what was published since would show as problems of the draft
    if problems:
        raise RubricError("draft", problems)
    rubric = load_rubric(begun.source, "draft")
    failing = tuple(trial for trial in run_examples(rubric, ports.tools) if not trial.passed)
    if failing:
        raise FailingExamples(failing)
    try:
        with ports.db.write() as session:
            _store(session, ports, actor, begun, rubric)
    except IntegrityError as error:
        raise Conflict("Somebody published this rubric at the same moment: look at it again.") from error
    return rubric.version


def problems_in(ports: Ports, actor: Actor, rubric_id: str, text: str) -> tuple[Problem, ...]:
    """Return what would keep a text from being published as a rubric's next version; it is kept nowhere."""
    ensure(actor, "rubric.read")
    with ports.db.read() as session:
        return problems_of(session, rubric_id, text)


def archive(ports: Ports, actor: Actor, rubric_id: str, version: int) -> None:
    """Let a version apply to no new call; audits that pin it, and its text, stay. Raises NotFound.

    Where an older version is still published, that one applies again.
    """
    ensure_edits(actor)
    with ports.db.write() as session:
        known_version(session, rubric_id, version)
        if store.set_state(session, rubric_id, version, "archived"):
            note(session, ports, actor, "rubric.archived", "rubric", rubric_id, version=version)


def version_text(ports: Ports, actor: Actor, rubric_id: str, version: int) -> str:
    """Return the text of a version, published or archived, as it was published; raises NotFound."""
    ensure(actor, "rubric.read")
    with ports.db.read() as session:
        return known_version(session, rubric_id, version).source


def draft_changes(ports: Ports, actor: Actor, rubric_id: str) -> tuple[Change, ...]:
    """Return what a draft changes in the version it began from; nothing for a new rubric.

    Raises NotFound, and RubricError while the draft is not a rubric.
    """
    ensure(actor, "rubric.read")
    with ports.db.read() as session:
        begun = known_draft(session, rubric_id)
        base = known_version(session, rubric_id, begun.base_version) if begun.base_version else None
    after = load_rubric(begun.source, "draft")
    return changes(load_rubric(base.source), after) if base else ()


def version_changes(
    ports: Ports, actor: Actor, rubric_id: str, before: int, after: int
) -> tuple[Change, ...]:
    """Return what one version of a rubric changed in another; raises NotFound."""
    ensure(actor, "rubric.read")
    with ports.db.read() as session:
        old, new = (known_version(session, rubric_id, version).source for version in (before, after))
    return changes(load_rubric(old), load_rubric(new))


def _store(session: Session, ports: Ports, actor: Actor, begun: StoredDraft, rubric: Rubric) -> None:
    """Turn a draft into a version, if it is still the draft that was looked at."""
    if not store.remove_draft(session, begun.rubric, begun.seen):
        raise Conflict("Somebody saved or published this draft meanwhile: look at it again.")
    store.publish(
        session,
        rubric=rubric.id,
        version=rubric.version,
        title=rubric.title,
        sha256=rubric.sha256,
        source=begun.source,
        effective_from=rubric.effective_from,
        by=actor.id,
        now=ports.clock(),
    )
    note(
        session,
        ports,
        actor,
        "rubric.published",
        "rubric",
        rubric.id,
        version=rubric.version,
        base=begun.base_version,
        sha256=rubric.sha256,
    )


def _begin(
    session: Session, ports: Ports, actor: Actor, rubric_id: str, title: str, base: int | None, text: str
) -> None:
    store.begin_draft(
        session,
        rubric=rubric_id,
        title=title,
        base_version=base,
        source=text,
        by=actor.id,
        now=ports.clock(),
    )
    note(session, ports, actor, "rubric.draft_begun", "rubric", rubric_id, base=base)


def _held_draft(session: Session, rubric_id: str, seen: int) -> StoredDraft:
    """Return the draft that somebody looked at; raises Conflict when it is another by now, or gone, NotFound."""
    for found in store.drafts(session, rubric_id):
        if found.seen != seen:
            raise _overtaken(found)
        return found
    if store.newest(session, rubric_id) is None:
        raise NotFound(f"There is no draft of a rubric '{rubric_id}'.")
    raise Conflict("This draft is gone: somebody published or discarded it. Look at the rubric again.")


def _overtaken(now: StoredDraft) -> Conflict:
    who = now.saved_by or "somebody"
    return Conflict(
        f"{who} saved this draft after you had opened it. Nothing of yours was saved: "
        "copy your text, open the draft again and put it in there."
    )


def _today(ports: Ports) -> date:
    return ports.clock().astimezone(ZoneInfo(ports.settings.time_zone)).date()
