"""One full and one bare example of what each template of the vendors' pages gets."""

from __future__ import annotations

from datetime import UTC, datetime

from qa_audit.web.vendors.pages import (
    AuditRow,
    AuditsPage,
    Cell,
    Chart,
    Choices,
    GroupRow,
    IndexPage,
    Level,
    LineRow,
    Link,
    Mark,
    Point,
    ShowPage,
    WeekLine,
)

NASTY = "<script>alert('Ana & Bo')</script>"
"""Stands for every text that comes from outside."""

CHOICES = Choices(
    counted="4 May 2026 to 1 Nov 2026",
    periods=(Link("26 weeks", "/vendors", True), Link(NASTY, "/vendors?period=4")),
    action="/vendors",
    kept=(("sample", "no"), ("agent", NASTY)),
    since="2026-05-04",
    until="",
    samples="Counts 300 audits of sample history.",
    switch=Link("Leave the sample history out", "/vendors?sample=no"),
)
BARE_CHOICES = Choices("No audits yet", (), "/vendors", (), "", "", "", None)

ROW = GroupRow(
    name=NASTY,
    address="/vendors/acme",
    words=NASTY,
    tone="bad",
    cells=(
        Cell("Fatal", "5 %", "15 of 300 · 3 to 8 %", "/vendors/acme/audits?show=fatal", "bad"),
        Cell(NASTY, "90.8", NASTY, None, "person", "falling"),
    ),
    samples="300 of the audits are sample history",
)
BARE_ROW = GroupRow("Acme", None, "", "plain", (), "")

CHART = Chart(
    title=NASTY,
    words=NASTY,
    tone="person",
    path="M30.0 12.0 L40.0 14.0",
    points=(Point(30.0, 12.0, NASTY, False), Point(40.0, 14.0, NASTY, True)),
    levels=(Level(30.0, 40.0, 12.0, "95"),),
    pass_mark=Mark(60.0, "pass mark 85"),
    rows=(Mark(12.0, "100"), Mark(132.0, "60")),
    columns=(Mark(30.0, "4 May"),),
    recent=300.0,
    weeks=(WeekLine("4 May 2026", "95.4", 12), WeekLine("11 May 2026", "–", 0)),
)
BARE_CHART = Chart("Speed", "Too few.", "plain", "", (), (), Mark(60.0, "pass mark 85"), (), (), None, ())

LINE = LineRow(NASTY, "fatal", NASTY, "15 of 300", "5 % · 3 to 8 %", "/vendors/acme/audits")

AUDIT = AuditRow(
    id="abc",
    title=NASTY,
    address="/scorecards/abc",
    who=NASTY,
    moment=datetime(2026, 11, 5, 18, 21, tzinfo=UTC),
    scores=(NASTY, "Speed 90"),
    tags=(("fatal", "bad"), ("critical", "person")),
    failed=(NASTY,),
    is_sample=False,
)
SAMPLE = AuditRow("abd", "sample history", None, "Leo", AUDIT.moment, (), (), (), True)
UNLED = AuditRow("abe", "Cancelled flight", None, "Leo", AUDIT.moment, (), (), (), False)

EXAMPLES: dict[str, tuple[object, ...]] = {
    "vendors/index.html": (
        IndexPage(CHOICES, NASTY, ("Fatal", NASTY), (ROW,)),
        IndexPage(BARE_CHOICES, "", (), ()),
    ),
    "vendors/show.html": (
        ShowPage(NASTY, NASTY, "person", "/vendors", CHOICES, ("Fatal", NASTY), (ROW,), (CHART,), (LINE,), (ROW,)),
        ShowPage(
            "Acme", "Too few.", "plain", "/vendors", BARE_CHOICES, (), (BARE_ROW,), (BARE_CHART,), (), ()
        ),
    ),
    "vendors/audits.html": (
        AuditsPage(
            NASTY, NASTY, "/vendors/acme", CHOICES, (Link(NASTY, "/vendors"),), 3, (AUDIT, SAMPLE, UNLED),
            "/vendors/acme/audits", "/vendors/acme/audits?page=3",
        ),
        AuditsPage("Audits: Acme", "Acme", "/vendors/acme", BARE_CHOICES, (), 0, (), None, None),
    ),
}  # fmt: skip
