"""Full and bare examples of what the templates of reviewing get."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from qa_audit.web.calls.pages import Chip, EvidenceLine, Fact, Piece, Player, Run, Turn
from qa_audit.web.pages import Choice
from qa_audit.web.review.pages import (
    Acceptance,
    AnswerChoice,
    Ask,
    Clash,
    Flag,
    Foot,
    LineKey,
    NumberField,
    Pinned,
    QueueFigure,
    QueueForm,
    QueueLine,
    ReviewLine,
    ReviewPage,
    ReviewPart,
    SectionSoFar,
    ShownQueue,
    Standing,
)

MOMENT = datetime(2026, 11, 5, 18, 21, tzinfo=UTC)
NASTY = "<script>alert('Ana & Bo')</script>"

ROW = QueueLine(
    id="row-1",
    address="/calls/abc/review",
    title=NASTY,
    who=NASTY,
    moment=MOMENT,
    is_received=True,
    duration=61.4,
    why=NASTY,
    flags=(Flag("fatal suspected", "bad", NASTY), Flag("needs you", "person", NASTY)),
    look="3 lines in Service quality",
    in_hand=NASTY,
    due="today",
    is_due=True,
)
QUEUE = ShownQueue(
    figures=(QueueFigure("waiting", "28"), QueueFigure("to publish", "2", "bad", "/calls?status=audited")),
    form=QueueForm((Choice("acme", NASTY, True),), (Choice(NASTY, NASTY),), (), (), NASTY),
    chips=(Chip(NASTY, "/review/queue"),),
    rows=(ROW, replace(ROW, id="row-2", flags=(), look="nothing flagged", in_hand="", is_due=False)),
    range="1–2 of 28",
    csv="/review/queue.csv",
    previous="/review/queue",
    next="/review/queue?page=3",
    next_call="/calls/abc/review",
)
EMPTY_QUEUE = ShownQueue((), QueueForm((), (), (), (), ""), (), (), "0 calls", "/x.csv", None, None, None)

LINE = ReviewLine(
    id="line-care-promises",
    rubric="care",
    criterion="promises",
    title=NASTY,
    tag="fatal",
    tone="bad",
    points="10 points",
    machine="machine suspects: no · sure",
    kept=NASTY,
    reason=NASTY,
    evidence=(EvidenceLine(3.2, 4.1, "/calls/abc/review?t=3.2#turn-0", NASTY, True, True),),
    guidance=NASTY,
    policy=NASTY,
    not_applicable_when=NASTY,
    when=(("Yes", NASTY),),
    note_due=NASTY,
    key="q",
    choices=(
        AnswerChoice("yes", "Yes", "y", False, "good"),
        AnswerChoice("no", "No", "n", True, "bad"),
        AnswerChoice("na", "N/A", "x", False, "plain"),
    ),
    number=None,
    is_answered=True,
    answer="No",
    got="0 of 10",
    note=NASTY,
    private_note=NASTY,
    pin=Pinned("3.2-4.1", 3.2, 4.1, "/calls/abc/review?t=3.2"),
    version=3,
    decided="you, 10:41",
    missing="Before this can be published, a no here needs a note for the vendor.",
    clash=Clash(NASTY, "Yes", "No", "/calls/abc/review#line-care-promises"),
    is_compact=False,
    may_change=True,
    action="/calls/abc/review/answer",
)
OPEN = replace(
    LINE, id="line-care-open", tag="critical", tone="person", is_answered=False, note="", private_note="", pin=None,
    decided="", missing="", clash=None, got="",
)  # fmt: skip
SETTLED = replace(
    LINE, id="line-care-settled", tone="good", clash=None, missing="", is_compact=True, tag=None
)
READ_ONLY = replace(LINE, id="line-care-read", clash=None, may_change=False)
SURE = replace(
    OPEN,
    id="line-care-sure",
    is_compact=True,
    evidence=(),
    guidance="",
    policy="",
    not_applicable_when="",
    when=(),
    note_due="",
    key="",
)
NUMBER = replace(
    OPEN, id="line-care-number", tag="fatal for its section", choices=(AnswerChoice("na", "N/A", "x", False, "plain"),),
    number=NumberField("12", NASTY, "0", "60", (f"up to 30: all points ({NASTY})",)),
)  # fmt: skip

SECTIONS = (SectionSoFar(NASTY, "80 %", "8 of 10 points"), SectionSoFar("Close", "", "nothing counted yet"))
PART = ReviewPart(
    "care", NASTY, "version 1", (LINE, OPEN, READ_ONLY, NUMBER), (SURE,), (SETTLED,), 2, 6, SECTIONS
)
FOOT = Foot(
    standings=(Standing("care", NASTY, "Not passed so far", "bad", NASTY, "2 lines open here"),),
    saved="Saved 10:41",
    ask=Ask("2 lines are still open.", (NASTY,), "Submit with 2 open lines", True),
    next_open="#line-care-open",
    submit="/calls/abc/review/submit",
    publish="/calls/abc/publish",
    take_back="/calls/abc/review/take-back",
    missing=(NASTY,),
    next_call="/calls/def/review",
)
AUDIT = ReviewPage(
    title=NASTY,
    facts=(NASTY,),
    moment=MOMENT,
    is_received=True,
    state=f"in review by {NASTY}",
    call="/calls/abc",
    owner="me",
    draft="abc",
    player=Player("/calls/abc/audio", "/calls/abc/peaks", 61.4, 3.2, ("agent", "customer")),
    no_sound="There is no sound to play.",
    turns=(
        Turn(
            0,
            "unknown",
            "Speaker",
            0.5,
            4.1,
            "/calls/abc/review?t=0.5#turn-0",
            (Run(None, (Piece(NASTY, 0.5),)),),
        ),
    ),
    no_words="No transcript.",
    nameable=frozenset({0}),
    naming="/calls/abc/review/speakers",
    details=(Fact("File", NASTY),),
    warnings=(NASTY,),
    parts=(PART,),
    no_parts="No rubric applies.",
    keys=(LineKey("q", NASTY, "#line-care-promises"),),
    acceptance=Acceptance("/calls/abc/review/accept", 7, "/calls/abc/review/undo", "batch", 3),
    foot=FOOT,
    changed=None,
    is_part=False,
    demo_model=True,
)
BARE_AUDIT = replace(
    AUDIT, player=None, turns=(), nameable=frozenset(), naming=None, parts=(), warnings=(), draft="", state="",
    keys=(), acceptance=Acceptance(None, 0, None, "", 0), demo_model=False,
    foot=Foot((), "Nothing answered yet", None, None, None, None, None, (), None),
)  # fmt: skip

REVIEW: dict[str, tuple[object, ...]] = {
    "review/queue.html": (QUEUE, EMPTY_QUEUE),
    "review/review.html": (AUDIT, BARE_AUDIT),
}
