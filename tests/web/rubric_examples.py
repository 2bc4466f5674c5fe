"""Full and bare examples of what the templates of rubrics get."""

from __future__ import annotations

from dataclasses import replace

from qa_audit.web.calls.pages import EvidenceLine, Line, Piece, Player, Run, Turn
from qa_audit.web.pages import Choice, NavItem
from qa_audit.web.rubrics.draft_pages import (
    BacktestPage,
    CheckRow,
    CriterionForm,
    EditPage,
    Figure,
    FlipRow,
    NavGroup,
    PhraseField,
    ProblemLine,
    PublishPage,
    TriedLine,
    TryPage,
    VendorRow,
    WeightField,
    WholeForm,
    YamlPage,
)
from qa_audit.web.rubrics.pages import (
    ChangeGroup,
    CorrectionRow,
    CorrectionsPage,
    CriterionView,
    Detail,
    DifferencesPage,
    DraftHead,
    ListPage,
    RubricPage,
    RubricRow,
    SectionView,
    VersionLine,
)

NASTY = "<script>alert('Ana & Bo')</script>"
CHOICES = (Choice("1", NASTY, True), Choice("2", "version 2"))
DETAILS = (Detail(NASTY, NASTY, (NASTY, "two")), Detail("Policy", "words"), Detail("Phrases", "", ("one",)))
GROUPS = (ChangeGroup(NASTY, ((NASTY, "the same answers score differently"), ("points 10 → 5", NASTY))),)
HEAD = DraftHead(
    "care", NASTY, "/rubrics/care", NASTY,
    (NavItem("Form", "/rubrics/care/edit", True), NavItem("YAML", "/rubrics/care/yaml", False)), 2,
)  # fmt: skip
FLIP = FlipRow(NASTY, "/calls/abc", NASTY, "passed, 86", "not passed, 80", "bad")

ROW = RubricRow(
    "care", "/rubrics/care", NASTY, "version 2 of 3", "from 1 Jan 2026", "in force", "good", NASTY,
    "/rubrics/care/edit",
)  # fmt: skip
LIST = ListPage((ROW, replace(ROW, id="b", tone="person", draft_address=None)), CHOICES, "care", NASTY, NASTY)

CRITERION = CriterionView("greets", "B1", NASTY, "fatal", "10 points", "12.5 %", NASTY, NASTY, DETAILS)
SHOWN = RubricPage(
    title=NASTY,
    version=2,
    state="in force",
    tone="good",
    facts=(NASTY, "pass mark 85"),
    description=NASTY,
    details=DETAILS,
    sections=(
        SectionView(
            "opening", NASTY, "40 %",
            (CRITERION, replace(CRITERION, id="b", code="", tag=None, guidance="", details=())),
        ),
    ),
    versions=(
        VersionLine("Version 2", "/rubrics/care?version=2", True, "in force", "good", NASTY),
        VersionLine("Version 1", "/rubrics/care?version=1", False, "replaced", "plain", NASTY),
    ),
    differences="/rubrics/care/differences",
    corrections="/rubrics/care/corrections",
    edit="/rubrics/care/draft",
    draft="/rubrics/care/edit",
    draft_words=NASTY,
    archive="/rubrics/care/archive",
)  # fmt: skip

CORRECTED = CorrectionRow(
    "greets", NASTY, "/rubrics/care#criterion-greets", "9 of 40", "60 to 90 % kept", "0.61 (0.42 to 0.80)",
    ("when sure: in 31 of 40 audits reviewers kept this", NASTY), NASTY,
)  # fmt: skip

DIFFERENCES = DifferencesPage(
    None, NASTY, "/rubrics/care", "/rubrics/care/differences", CHOICES, CHOICES, NASTY, GROUPS
)

FORM = CriterionForm(
    id="greets",
    title=NASTY,
    name=NASTY,
    points="10",
    share="12.5 %",
    is_bonus=False,
    gravities=CHOICES,
    guidance=f"\n{NASTY}",
    policy=NASTY,
    na=NASTY,
    events=CHOICES,
    kept=(NASTY,),
    phrases=(PhraseField("phrases-0", "phrases:check.any", NASTY, f"{NASTY}\ntwo", 3),),
    how=NASTY,
    details=DETAILS,
)
EDIT = EditPage(
    head=HEAD,
    title=NASTY,
    here="/rubrics/care/edit",
    seen=3,
    groups=(
        NavGroup("", (NavItem("The rubric itself", "/rubrics/care/edit", False),)),
        NavGroup(NASTY, (NavItem(NASTY, "/rubrics/care/edit?line=greets", True),)),
    ),
    whole=None,
    criterion=FORM,
    following="closes",
    blocked="",
    error=NASTY,
)
WHOLE = WholeForm(NASTY, "2026-12-01", "85", (WeightField("opening", NASTY, "40", "40 %"),), NASTY)

YAML = YamlPage(
    head=HEAD,
    title=NASTY,
    here="/rubrics/care/yaml",
    check="/rubrics/care/check",
    seen=3,
    text=f"id: care\ntitle: {NASTY}\n",
    lines=3,
    problems=(
        ProblemLine(2, "title", NASTY, False),
        ProblemLine(None, "", NASTY, False),
        ProblemLine(1, "id", NASTY, True),
    ),
    verdict="2 things to mend before it can be published.",
    error=NASTY,
    is_part=True,
)

LINE = Line(
    id="greets", title=NASTY, tag="fatal for its section", tone="bad", answer="no, sure", points="0 of 10",
    reason=NASTY, evidence=(EvidenceLine(3.2, 4.1, "/rubrics/care/try/abc?t=3.2#turn-0", NASTY, True, True),),
    guidance=NASTY, policy=NASTY, not_applicable_when=NASTY,
)  # fmt: skip
TRY = TryPage(
    head=HEAD,
    title=NASTY,
    here="/rubrics/care/try",
    calls=CHOICES,
    call_title=NASTY,
    call="/calls/abc",
    player=Player("/calls/abc/audio", None, 61.4, 3.2, ("agent", "customer")),
    turns=(
        Turn(
            0, "agent", "Agent", 0.5, 4.1, "/rubrics/care/try/abc?t=0.5", (Run(None, (Piece(NASTY, 0.5),)),)
        ),
    ),
    score="passed so far: 90 %",
    score_before="undecided: 80 %",
    changed=(TriedLine(LINE, "yes, sure · 10 of 10", True), TriedLine(LINE, "", True)),
    same=(TriedLine(LINE, "no, sure", False),),
    blocked="",
)
BACKTEST = BacktestPage(
    head=HEAD,
    title=NASTY,
    blocked="",
    summary=NASTY,
    notes=(NASTY,),
    sample=("Count the sample history too", "/rubrics/service-quality/backtest?sample=yes"),
    figures=(Figure("passed", "10", "8"), Figure("undecided", "1", "1")),
    flips=(FLIP, replace(FLIP, tone="good")),
    more_flips=3,
    vendors=(
        VendorRow(NASTY, "30 audits", "90 → 88", "2 no longer", "place 1 → place 2", NASTY, True),
        VendorRow("B", "3 audits", "90", "none", "too few to rank", "kept", False),
    ),
    checks=(CheckRow(NASTY, "3 of 30 calls", NASTY, NASTY),),
    not_backtested=DETAILS,
    groups=GROUPS,
)
PUBLISH = PublishPage(
    head=HEAD,
    title=NASTY,
    here="/rubrics/care/publish",
    seen=3,
    obstacles=(NASTY,),
    groups=GROUPS,
    is_first=False,
    summary=NASTY,
    flips=(FLIP,),
    examples="All 12 examples pass.",
    consequences=(NASTY, "two"),
    button="Publish version 2",
    error=NASTY,
)

RUBRIC_EXAMPLES: dict[str, tuple[object, ...]] = {
    "rubrics/list.html": (LIST, ListPage((), None, "", "", "")),
    "rubrics/show.html": (
        SHOWN,
        replace(
            SHOWN, version=None, facts=(), description="", details=(), sections=(), versions=(), differences=None,
            edit=None, draft=None, draft_words="", archive=None,
        ),
    ),
    "rubrics/corrections.html": (
        CorrectionsPage(NASTY, "/rubrics/care", NASTY, (CORRECTED,), (replace(CORRECTED, id="b", certainties=()),)),
        CorrectionsPage(NASTY, "/rubrics/care", NASTY, (), ()),
    ),
    "rubrics/differences.html": (
        DIFFERENCES,
        replace(DIFFERENCES, head=HEAD, before=(), after=(), groups=()),
    ),
    "rubrics/edit.html": (
        EDIT,
        replace(EDIT, whole=WHOLE, criterion=None, error=""),
        replace(EDIT, criterion=replace(FORM, is_bonus=True, kept=(), phrases=()), following=None),
        replace(EDIT, criterion=None, groups=(), blocked=NASTY),
    ),
    "rubrics/yaml.html": (YAML, replace(YAML, problems=(), error="", is_part=False)),
    "rubrics/try.html": (
        TRY,
        replace(TRY, player=None, changed=(), score_before=""),
        replace(TRY, call=None, changed=(), same=(), turns=(), player=None, blocked=NASTY),
    ),
    "rubrics/backtest.html": (
        BACKTEST,
        replace(
            BACKTEST, blocked=NASTY, summary="", notes=(), figures=(), flips=(), more_flips=0, vendors=(), checks=(),
            not_backtested=(), groups=(),
        ),
    ),
    "rubrics/publish.html": (
        PUBLISH,
        replace(PUBLISH, obstacles=(), groups=(), is_first=True, summary="", flips=(), error=""),
    ),
}  # fmt: skip
