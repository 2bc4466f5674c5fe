"""Full and bare examples of what the templates of scorecards get."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from qa_audit.web.pages import Choice
from qa_audit.web.scorecards.pages import (
    AnswerPart,
    CardPage,
    Chip,
    FilterForm,
    History,
    LineShown,
    ListPage,
    ListRow,
    Play,
    RubricSections,
    RuleText,
    Said,
    SectionLine,
    Sound,
)

MOMENT = datetime(2026, 11, 5, 18, 21, tzinfo=UTC)
NASTY = "<script>alert('Ana & Bo')</script>"

PLAY = Play(33.2, 52.0, "/scorecards/abc?t=33.2&to=52#listen")
LINE = LineShown(
    id="service-promises",
    question=NASTY,
    rubric=NASTY,
    mark="fatal",
    is_grave=True,
    answer="no",
    label=NASTY,
    reason=NASTY,
    note=NASTY,
    decided=NASTY,
    said=(Said("Customer", NASTY, False), Said("Agent", NASTY, False), Said("", NASTY, True)),
    play=PLAY,
    rule=RuleText("1 Nov 2026", NASTY, NASTY),
)
BARE_LINE = replace(
    LINE,
    id="brand-hello",
    mark="−4",
    is_grave=False,
    label="",
    reason="",
    note="",
    said=(),
    play=None,
    rule=RuleText("1 Nov 2026", "", ""),
)

CARD = CardPage(
    title=NASTY,
    back="/scorecards",
    moment=MOMENT,
    is_received=True,
    facts=(NASTY, "picked at random"),
    published=MOMENT,
    headline=NASTY,
    tone="bad",
    verdict=NASTY,
    sound=Sound("/scorecards/abc/audio", PLAY, "/scorecards/abc"),
    no_sound="",
    first=LINE,
    lost=(LINE, BARE_LINE),
    kept=(replace(LINE, id="k"), replace(BARE_LINE, id="l")),
    kept_words="8 lines kept all their points",
    open=(replace(BARE_LINE, id="o"),),
    rubrics=(
        RubricSections(
            NASTY, (SectionLine(NASTY, "80 %", NASTY, NASTY), SectionLine("Close", "–", "nothing", ""))
        ),
    ),
    history=History(NASTY, "3 of 10", NASTY, (NASTY,)),
    decided=(NASTY, NASTY),
    answer=AnswerPart(NASTY, "plain", NASTY, "/scorecards/abc/acknowledge", NASTY, 2000),
    call="/calls/abc",
)
BARE_CARD = replace(
    CARD,
    is_received=False,
    facts=(),
    tone="good",
    sound=None,
    no_sound="Sample history: no sound.",
    first=None,
    lost=(),
    kept=(),
    open=(),
    rubrics=(),
    history=None,
    answer=AnswerPart("Acknowledged", "good", None, None, "", 2000),
    call=None,
)
SILENT_CARD = replace(BARE_CARD, first=LINE, history=History("So far", "", "Too few to say.", ()))

ROW = ListRow(
    id="abc",
    address="/scorecards/abc",
    title=NASTY,
    where=NASTY,
    moment=MOMENT,
    is_received=False,
    verdict="not passed",
    tone="bad",
    problem=NASTY,
    scores=NASTY,
    state=NASTY,
    state_tone="person",
)
FORM = FilterForm(
    vendors=(Choice("acme", NASTY, True),),
    teams=(Choice(NASTY, NASTY), Choice("b", "B")),
    agents=(Choice(NASTY, NASTY),),
    outcomes=(Choice("fail", "not passed"),),
    states=(Choice("open", "to be answered"),),
    line="verify-first",
    since="2026-11-02",
    until="",
)

EXAMPLES: dict[str, tuple[object, ...]] = {
    "scorecards/card.html": (CARD, BARE_CARD, SILENT_CARD),
    "scorecards/list.html": (
        ListPage(
            FORM,
            (Chip(NASTY, "/scorecards"),),
            (ROW, replace(ROW, id="b", is_received=True, problem="", where="")),
            2,
            "/scorecards?cursor=abc",
            "/scorecards",
            False,
            "/scorecards.csv",
            "No scorecard fits this filter.",
        ),
        ListPage(
            replace(FORM, vendors=(), teams=(), line=""), (), (), 0, None, "/scorecards", True,
            "/scorecards.csv", "Nothing is published yet.",
        ),
    ),
}  # fmt: skip
