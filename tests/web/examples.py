"""One full and one bare example of what each template gets, to render it and each of its blocks alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from qa_audit.web.account.pages import LoginPage, WelcomePage
from qa_audit.web.calls.pages import (
    CallPage,
    Chip,
    DeletePage,
    EvidenceLine,
    Fact,
    FilterForm,
    Line,
    ListPage,
    ListRow,
    OutcomeWords,
    Piece,
    Player,
    RubricPart,
    Run,
    SoundLine,
    StatusWords,
    Turn,
    UploadLine,
    UploadPage,
)
from qa_audit.web.pages import Choice, ErrorPage
from tests.web import examples_scorecards, vendor_examples
from tests.web.admin_examples import ADMIN_EXAMPLES
from tests.web.review_examples import REVIEW
from tests.web.rubric_examples import RUBRIC_EXAMPLES

MOMENT = datetime(2026, 11, 5, 18, 21, tzinfo=UTC)
NASTY = "<script>alert('Ana & Bo')</script>"
"""Stands for every text that comes from outside."""

EVIDENCE = EvidenceLine(3.2, 4.1, "/calls/abc?t=3.2#turn-0", NASTY, True, True)
WINDOW = EvidenceLine(0.0, 61.0, "/calls/abc?t=0", "searched from 0:00 to 1:01", False, False)


def line(tone: str, **values: object) -> Line:
    """Build a criterion's line."""
    usual = {
        "id": f"line-{tone}", "title": NASTY, "tag": None, "tone": tone, "answer": "no, sure", "points": "0 of 10",
        "reason": NASTY, "evidence": (EVIDENCE, WINDOW), "guidance": NASTY, "policy": NASTY,
        "not_applicable_when": NASTY,
    }  # fmt: skip
    return Line(**{**usual, **values})  # type: ignore[arg-type]


def row(tone: str, **values: object) -> ListRow:
    """Build a line of the list of calls."""
    usual = {
        "id": f"row-{tone}", "address": "/calls/abc", "title": NASTY, "vendor": NASTY, "agent": NASTY,
        "moment": MOMENT, "is_received": False, "duration": 61.4, "status": StatusWords("transcribing 42 %", tone, 42),
        "outcomes": (OutcomeWords(NASTY, "fatal suspected", "bad"), OutcomeWords("Brand", "passed so far", "plain")),
    }  # fmt: skip
    return ListRow(**{**usual, **values})  # type: ignore[arg-type]


FORM = FilterForm(
    vendors=(Choice("acme", NASTY, True),),
    statuses=(Choice("failed", "failed"),),
    agents=(Choice(NASTY, NASTY),),
    queues=(),
    q=NASTY,
    since="2026-11-02",
    until="",
)

LIST = ListPage(
    form=FORM,
    chips=(Chip(NASTY, "/calls"),),
    rows=(row("busy"), row("plain", agent=None, is_received=True, duration=None, outcomes=())),
    total=2,
    next="/calls?cursor=abc",
    first="/calls",
    is_first=False,
    csv="/calls.csv",
    poll="/calls?vendor=acme",
    may_upload=True,
    demo_model=True,
)
EMPTY_LIST = ListPage(FORM, (), (), 0, None, "/calls", True, "/calls.csv", None, False, False)

RUBRIC = RubricPart(
    id="service-quality",
    title=NASTY,
    version="version 1, in force since 1 Jan 2026",
    score="76 % so far",
    verdict="Not passed so far",
    tone="bad",
    note=NASTY,
    open=(line("bad", tag="fatal"), line("person", tag="critical", answer="for a person")),
    settled=(
        line("good"),
        line("plain", answer="not applicable", guidance="", policy="", not_applicable_when=""),
    ),
)

CALL = CallPage(
    title=NASTY,
    facts=(NASTY, "stereo, agent left"),
    moment=MOMENT,
    is_received=True,
    status=StatusWords("failed: nobody can be heard", "bad", None, NASTY),
    poll="/calls/abc",
    player=Player("/calls/abc/audio", "/calls/abc/peaks", 61.4, 3.2, ("agent", "customer")),
    no_sound="There is no sound to play.",
    turns=(
        Turn(
            0, "agent", "Agent", 0.5, 4.1, "/calls/abc?t=0.5#turn-0",
            (
                Run(None, (Piece("Thank", 0.5), Piece("you.", 0.9))),
                Run("good", (Piece(NASTY, 1.2),)),
                Run(None, (Piece("number masked", 2.0, True),)),
            ),
        ),
        SoundLine("Music", NASTY, 4.5, 20.0, "/calls/abc?t=4.5"),
    ),
    no_words="No transcript.",
    rubrics=(RUBRIC, replace(RUBRIC, id="brand", open=())),
    no_rubrics="Not scored.",
    warnings=(NASTY,),
    notes=(NASTY,),
    details=(Fact("File", NASTY),),
    custom=(Fact(NASTY, NASTY),),
    retry="/calls/abc/retry",
    delete="/calls/abc/delete",
    demo_model=True,
)  # fmt: skip
BARE_CALL = CallPage(
    title="Untitled call",
    facts=(),
    moment=MOMENT,
    is_received=False,
    status=StatusWords("pre-scored", "plain"),
    poll=None,
    player=None,
    no_sound="There is no sound to play.",
    turns=(),
    no_words="No transcript.",
    rubrics=(),
    no_rubrics="Not scored.",
    warnings=(),
    notes=(),
    details=(),
    custom=(),
    retry=None,
    delete=None,
    demo_model=False,
)

EXAMPLES: dict[str, tuple[object, ...]] = {
    **REVIEW,
    "account/login.html": (
        LoginPage(NASTY, "/calls", "E-mail or password is wrong.", True),
        LoginPage("", "/", "", False),
    ),
    "account/welcome.html": (
        WelcomePage(NASTY, "/welcome/abc", NASTY, 12),
        WelcomePage("ana@example.org", "/welcome/abc", "", 12),
    ),
    **ADMIN_EXAMPLES,
    **RUBRIC_EXAMPLES,
    "calls/call.html": (CALL, BARE_CALL),
    "calls/delete.html": (
        DeletePage("Delete this call for good?", NASTY, "/calls/abc/delete", "/calls/abc"),
    ),
    "calls/list.html": (LIST, EMPTY_LIST),
    "calls/upload.html": (
        UploadPage(
            (Choice("acme", NASTY),),
            (UploadLine(NASTY, "accepted", "good", "/calls/abc"), UploadLine(NASTY, NASTY, "bad", None)),
            NASTY,
            "500 MiB",
            True,
        ),
        UploadPage((), (), "", "500 MiB", False),
    ),
    "errors/broken.html": (ErrorPage(NASTY, NASTY, "abc"),),
    "errors/error.html": (ErrorPage(NASTY, NASTY, "abc"),),
    **examples_scorecards.EXAMPLES,
    **vendor_examples.EXAMPLES,
}
